"""The model card, as HTML."""

from collections.abc import Mapping

import keras
from markdown_it import MarkdownIt
from markupsafe import Markup

from ltpa_tf.images import Preprocessing
from ltpa_tf.serving.card import card_body
from ltpa_tf.serving.signatures import Signatures

# What a card is written with and nothing else: a link or a picture can only come out of
# a user's names.
_MARKDOWN = MarkdownIt("zero").enable(["heading", "list", "table", "backticks"])
_BELOW = 1  # the card's parts stand below the page's


def card(
    model: keras.Model,
    class_names: tuple[str, ...],
    preprocessing: Preprocessing,
    facts: Mapping,
) -> Markup:
    """What an export's `model_card.md` says.

    Args:
        model: As `Signatures` takes it.
        class_names: K names.
        preprocessing: How files became the model's input.
        facts: As of `serving.card.facts_of`.
    """
    signatures = Signatures(model, class_names, preprocessing)
    tokens = _MARKDOWN.parse(card_body(signatures, facts))
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = f"h{int(token.tag[1:]) + _BELOW}"
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))
