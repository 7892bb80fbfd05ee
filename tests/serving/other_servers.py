"""Two other servers of the Open Inference Protocol with an ONNX file behind them.

Run by `test_other_servers.py` in another Python, with the arguments LIBRARY FILE
REST_PORT GRPC_PORT. The model's name is `animals`.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime

_TYPES = {
    "tensor(uint8)": "UINT8",
    "tensor(int32)": "INT32",
    "tensor(float)": "FP32",
    "tensor(string)": "BYTES",
}
NAME = "animals"


def described(node):
    shape = [-1, *node.shape[1:]]
    return {"name": node.name, "datatype": _TYPES[node.type], "shape": shape}


class File:
    """The file, in the protocol's words."""

    def __init__(self, file):
        self.session = onnxruntime.InferenceSession(file)
        self.inputs, self.outputs = (
            [
                {
                    "name": x.name,
                    "datatype": _TYPES[x.type],
                    "shape": [-1, *x.shape[1:]],
                }
                for x in nodes
            ]
            for nodes in (self.session.get_inputs(), self.session.get_outputs())
        )
        self.types = {one["name"]: one["datatype"] for one in self.outputs}

    def run(self, images, names):
        names = names or [*self.types]
        images = np.asarray(images).astype(np.uint8)
        return zip(names, self.session.run(names, {"images": images}), strict=True)


def kserve(file, rest, grpc):
    import kserve

    class Model(kserve.Model):
        def __init__(self):
            super().__init__(NAME)
            self.file, self.ready = File(file), True

        async def get_input_types(self):
            return self.file.inputs

        async def get_output_types(self):
            return self.file.outputs

        async def predict(self, payload, headers=None, response_headers=None):
            names = [one.name for one in payload.request_outputs or ()]
            outputs = []
            for name, array in self.file.run(payload.inputs[0].as_numpy(), names):
                kind = self.file.types[name]
                one = kserve.InferOutput(name, list(array.shape), kind)
                if kind == "BYTES":
                    array = np.vectorize(str.encode, otypes=[object])(array)
                one.set_data_from_numpy(array, binary_data=True)
                outputs.append(one)
            return kserve.InferResponse(
                response_id=payload.id or "",
                model_name=NAME,
                infer_outputs=outputs,
                use_binary_outputs=True,
                requested_outputs=payload.request_outputs,
            )

    kserve.ModelServer(http_port=rest, grpc_port=grpc, workers=1).start([Model()])


def mlserver(file, rest, grpc):
    from mlserver.cli import main

    settings = {"host": "127.0.0.1", "http_port": rest, "grpc_port": grpc}
    settings |= {"metrics_endpoint": None, "parallel_workers": 0}
    model = {"name": NAME, "implementation": "other_servers.MLServerModel"}
    model["parameters"] = {"uri": file}
    for name, content in (("settings", settings), ("model-settings", model)):
        Path(f"{name}.json").write_text(json.dumps(content))
    sys.argv = ["mlserver", "start", "."]
    main()


try:
    from mlserver import MLModel
    from mlserver import types as v2
except ImportError:
    pass
else:

    class MLServerModel(MLModel):
        async def load(self):
            self.file = File(self.settings.parameters.uri)
            self.inputs, self.outputs = (
                [v2.MetadataTensor(**one) for one in tensors]
                for tensors in (self.file.inputs, self.file.outputs)
            )
            return True

        async def predict(self, payload):
            (images,) = payload.inputs
            pixels = np.array(images.data.root).reshape(images.shape)
            outputs = [
                v2.ResponseOutput(
                    name=name,
                    datatype=self.file.types[name],
                    shape=list(array.shape),
                    data=array.ravel().tolist(),
                )
                for name, array in self.file.run(
                    pixels, [one.name for one in payload.outputs or ()]
                )
            ]
            return v2.InferenceResponse(model_name=self.name, outputs=outputs)


if __name__ == "__main__":
    library, file, *ports = sys.argv[1:]
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    sys.path.insert(0, str(Path(__file__).parent))
    {"kserve": kserve, "mlserver": mlserver}[library](file, *map(int, ports))
