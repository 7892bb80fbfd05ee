"""One small member of every family of `keras.applications`."""

import keras

# Family -> (its module in keras.applications, builder, arguments).
FAMILIES = {
    "vgg": ("vgg16", "VGG16", {}),
    "resnet": ("resnet", "ResNet50", {}),
    "resnet_v2": ("resnet_v2", "ResNet50V2", {}),
    "xception": ("xception", "Xception", {}),
    "inception_v3": ("inception_v3", "InceptionV3", {}),
    "inception_resnet_v2": ("inception_resnet_v2", "InceptionResNetV2", {}),
    "mobilenet": ("mobilenet", "MobileNet", {"alpha": 0.25}),
    "mobilenet_v2": ("mobilenet_v2", "MobileNetV2", {"alpha": 0.35}),
    "mobilenet_v3": ("mobilenet_v3", "MobileNetV3Small", {}),
    "densenet": ("densenet", "DenseNet121", {}),
    "nasnet": ("nasnet", "NASNetMobile", {}),
    "efficientnet": ("efficientnet", "EfficientNetB0", {}),
    "efficientnet_v2": ("efficientnet_v2", "EfficientNetV2B0", {}),
    "convnext": ("convnext", "ConvNeXtTiny", {}),
}


def backbone(family, size=(96, 96), **settings):
    _, builder, arguments = FAMILIES[family]
    return getattr(keras.applications, builder)(
        input_shape=(*size, 3),
        include_top=False,
        weights=None,
        **arguments,
        **settings,
    )


def published_pixels(family, images):
    """What the family's own function makes of pixel values 0..255."""
    module = getattr(keras.applications, FAMILIES[family][0])
    return module.preprocess_input(images.copy())
