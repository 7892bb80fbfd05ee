import keras
import pytest


@pytest.fixture
def channels_first():
    """What a user's keras.json may say."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)
