"""What a search writes: after every trial, and at its end."""

import shutil
from pathlib import Path

import keras_tuner
from ml_collections import ConfigDict
from rich.console import Console

from ltpa_tf import files
from ltpa_tf.errors import SearchError
from ltpa_tf.plotting import style
from ltpa_tf.tuning import figures, hparams, importance, results, settings
from ltpa_tf.tuning.space import Space

SUMMARY_FILE = "search_summary.json"

# Characters of a line where the screen is a file, whose width isn't known.
_FILE_WIDTH = 110


class Report:
    """Files and lines about the trials of one oracle.

    Args:
        oracle: Has the trials.
        space: What is searched.
        search: `config.search`.
        defaults: What `best_config.py` starts from, `configs/common.py`'s config.
        workdir: The search's folder.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        space: Space,
        search: ConfigDict,
        defaults: ConfigDict,
        workdir: Path,
    ):
        self._oracle = oracle
        self._space = space
        self._search = search
        self._defaults = defaults
        self._workdir = workdir
        self._objective = search.objective
        self._console = Console(highlight=False, soft_wrap=True)
        if not self._console.is_terminal:
            self._console.width = _FILE_WIDTH

    def update(self, trial_id: str) -> None:
        """After a trial: `trials.csv`, `best_config.py`, HParams, less on the disk."""
        found = self._rows()
        results.write_csv(
            found, self._space, self._workdir / "trials.csv", self._objective
        )
        hparams.write(found, self._space, self._workdir, self._objective)
        best = results.ranked(found, self._objective)
        if best:
            self._write_best_config(best[0], len(best))
        self._tidy(found, best)
        self._say(next(r for r in found if r["trial"] == int(trial_id)), best)

    def finish(self) -> dict:
        """At the end: figures, `search_summary.json`, and the table on screen.

        Returns:
            The summary.

        Raises:
            SearchError: If no trial was completed.
        """
        found = self._rows()
        best = results.ranked(found, self._objective)
        if reason := self._oracle.stop_reason:
            self._console.print(f"No further trial: {reason}.")
        if not best:
            notes = [row["note"] for row in found if row["note"]]
            raise SearchError(
                f"none of {len(found)} trials was completed"
                + (f"; the last one: {notes[-1]}" if notes else "")
            )
        self._delete_checkpoints(found)
        figure = figures.settings_figure(found, self._space, self._objective)
        style.save(figure, self._workdir / "settings.png")
        mattered = importance.measure(best, self._space, self._objective)
        if mattered is not None:
            figure = figures.importance_figure(mattered, self._objective)
            style.save(figure, self._workdir / "importance.png")
        summary = self._summary(found, best, mattered)
        files.write_json(self._workdir / SUMMARY_FILE, summary)
        self._show(found, mattered)
        return summary

    def _rows(self) -> list[dict]:
        return results.rows(
            self._oracle.trials, self._space, self._workdir, self._objective
        )

    def _write_best_config(self, best: dict, completed: int) -> None:
        file = self._workdir / "best_config.py"
        sentence = (
            f"Best of {completed} trials: {self._objective} {best[self._objective]:.4f}"
            f", trial {best['trial']}."
        )
        config = self._space.apply(best["settings"])
        text = results.best_config(config, self._defaults, file, sentence)
        files.write_text(file, text)

    def _tidy(self, found: list[dict], best: list[dict]) -> None:
        """Only the best trials keep models; checkpoints only while they may be used."""
        if self._search.algorithm != "hyperband":
            self._delete_checkpoints(found)
        for row in best[self._search.keep_models or len(best) :]:
            for file in row["folder"].glob("run_*/*.keras"):
                file.unlink()

    def _delete_checkpoints(self, found: list[dict]) -> None:
        for row in found:
            if row["status"] in ("COMPLETED", "FAILED"):
                for folder in row["folder"].glob("run_*/checkpoints"):
                    shutil.rmtree(folder)

    def _say(self, row: dict, best: list[dict]) -> None:
        name = f"trial {row['trial']}"
        if row["status"] != "COMPLETED":
            self._console.print(f"{name} failed: {row['note']}", markup=False)
            return
        note = f"; {row['note']}" if row["note"] else ""
        self._console.print(
            f"{name}: {self._objective} {row[self._objective]:.4f} after "
            f"{row['epochs']} epoch{'s' * (row['epochs'] != 1)}{note}; best so far "
            f"{best[0][self._objective]:.4f}, trial {best[0]['trial']}",
            markup=False,
        )

    def _summary(self, found, best, mattered) -> dict:
        return {
            "objective": self._objective,
            "budget": settings.budget(self._search),
            "best": {
                "trial": best[0]["trial"],
                self._objective: best[0][self._objective],
                "settings": best[0]["settings"],
            },
            "trials": len(found),
            "completed": len(best),
            "failed": sum(row["status"] == "FAILED" for row in found),
            "hours": self._oracle.seconds_spent / 3600,
            "importance": mattered
            and {
                key: {"mean": mean, "spread": spread}
                for key, (mean, spread) in mattered.shares.items()
            },
            "importance_r2": mattered and mattered.r2,
        }

    def _show(self, found: list[dict], mattered) -> None:
        self._console.print(results.table(found, self._objective))
        if mattered is None:
            self._console.print(
                f"Importance needs {importance.FEWEST} completed trials or more."
            )
        elif mattered.r2 <= 0:
            self._console.print(f"What mattered is not to be seen: {mattered.caveat}.")
        else:
            ranking = sorted(mattered.shares.items(), key=lambda item: -item[1][0])
            shown = ", ".join(f"{key} {mean:.2f}" for key, (mean, _) in ranking[:5])
            self._console.print(f"What mattered: {shown} ({mattered.caveat}).")
        file = self._workdir / "best_config.py"
        self._console.print(f"Pictures and all trials: {self._workdir}", markup=False)
        self._console.print("Train the best:", markup=False)
        self._console.print(f"    {results.train_command(file)}", markup=False)
