"""The picture of a series of measurements."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ltpa_tf.plotting import style

_NAMES = {
    "batch_size": "examples per step",
    "image_size": "pixels a side",
    "width": "width",
    "levels": "attention levels",
    "replicas": "replicas",
}
_WIDTH, _HEIGHT, _GAP = 2.6, 2.3, 0.75


def scaling_figure(records: Sequence[dict]) -> Figure:
    """Images a second along every axis that was measured, one panel each.

    Args:
        records: Measured points: their `axis`, the axis's own key, `images_per_second`
            and `device`.
    """
    axes_names = [name for name in _NAMES if any(r["axis"] == name for r in records)]
    count = len(axes_names)
    figure = style.new_figure(count * (_WIDTH + _GAP), _HEIGHT + 0.9)
    for number, name in enumerate(axes_names):
        along = [r for r in records if r["axis"] == name]
        along.sort(key=lambda r: r[name])
        axes = style.plain(
            style.place(figure, number * (_WIDTH + _GAP), 0.6, _WIDTH, _HEIGHT)
        )
        places = range(len(along))  # evenly: values like 32, 64, 224 are no scale
        rates = [r["images_per_second"] for r in along]
        axes.plot(places, rates, "o-", color=style.BLUE, markersize=5)
        for place, rate in zip(places, rates, strict=True):
            axes.annotate(
                f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}",
                (place, rate),
                (0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=style.INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
        axes.set_xticks(list(places), [f"{r[name]:g}" for r in along])
        axes.set_xlim(-0.5, len(along) - 0.5)
        axes.set_ylim(0, 1.2 * max(rates))
        style.label(axes, x=_NAMES[name], y="images a second" if number == 0 else "")
        if number == 0:
            style.title(axes, "Training speed", f"Whole steps on {along[0]['device']}")
    return figure
