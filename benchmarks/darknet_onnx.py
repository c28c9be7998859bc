"""A Darknet network as an ONNX file in the layout that ONNX Runtime likes best: channels first, batch norm folded.

Keras's own export of a network as large as YOLOv3 does not fit into 23 GB of memory, and leaves transpositions in it;
this one is the network as somebody would write it for ONNX Runtime, so that no other engine is measured at less than
its best. It knows the layers of yolov3, yolov3-spp and yolov3-tiny, and grouped convolutions.
"""

import numpy as np  # noqa: TID253
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_onnx(network, model, path):
    """Write the network with the model's weights; inputs (N, C, H, W), outputs the raw heads, channels first."""
    from kzoo_zoo.yolov3.darknet import fold

    graph = Graph(fold(model, network))
    for layer in network.layers:
        graph.names.append(getattr(graph, type(layer).__name__.lower())(layer, graph.names[-1]))
    sides = ["N", network.channels, network.height, network.width]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, sides)
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in graph.heads]
    made = helper.make_graph(graph.nodes, "darknet", [image], outputs, graph.weights)
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


class Graph:
    """Nodes and weights, one layer of Darknet after the other; each method returns the name of its output."""

    def __init__(self, folded):
        self.folded = folded
        self.nodes, self.weights, self.heads = [], [], []
        self.names = ["image"]  # the input, then the output of each layer

    def add(self, operator, sources, name, **attributes):
        self.nodes.append(helper.make_node(operator, sources, [name], name=name, **attributes))
        return name

    def constant(self, array, name):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def activated(self, source, layer):
        if layer.activation == "linear":
            return source
        if layer.activation == "leaky":
            return self.add("LeakyRelu", [source], f"act_{layer.index}", alpha=0.1)
        return self.add({"relu": "Relu", "logistic": "Sigmoid"}[layer.activation], [source], f"act_{layer.index}")

    def convolution(self, layer, last):
        kernel, bias = self.folded.get_layer(f"conv_{layer.index}").get_weights()
        if layer.groups == layer.inputs > 1:
            kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
        kernel = self.constant(kernel.transpose(3, 2, 0, 1), f"kernel_{layer.index}")
        bias = self.constant(bias, f"bias_{layer.index}")
        sides = {"kernel_shape": [layer.size] * 2, "strides": [layer.stride] * 2, "pads": [layer.padding] * 4}
        name = self.add("Conv", [last, kernel, bias], f"conv_{layer.index}", group=layer.groups, **sides)
        return self.activated(name, layer)

    def maxpool(self, layer, last):
        before = layer.padding // 2
        after = layer.padding - before
        sides = {"kernel_shape": [layer.size] * 2, "strides": [layer.stride] * 2, "pads": [before] * 2 + [after] * 2}
        return self.add("MaxPool", [last], f"pool_{layer.index}", **sides)

    def upsample(self, layer, last):
        scales = self.constant(np.array([1, 1, layer.stride, layer.stride], np.float32), f"scales_{layer.index}")
        how = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
        return self.add("Resize", [last, "", scales], f"upsample_{layer.index}", **how)

    def route(self, layer, last):
        del last
        if layer.groups > 1:
            message = "A route of one of several groups is not written here."
            raise NotImplementedError(message)
        parts = [self.names[source + 1] for source in layer.sources]
        return parts[0] if len(parts) == 1 else self.add("Concat", parts, f"route_{layer.index}", axis=1)

    def shortcut(self, layer, last):
        (source,) = layer.sources
        return self.activated(self.add("Add", [last, self.names[source + 1]], f"shortcut_{layer.index}"), layer)

    def dropout(self, layer, last):
        del layer
        return last

    def yolo(self, layer, last):
        del layer
        self.heads.append(last)
        return last
