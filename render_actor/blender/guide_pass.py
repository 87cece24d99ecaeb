"""Has Cycles tell, beside each pixel's colour, the mean of a function of the surface that its samples meet: the guide.

The same samples give both, and ``render_actor.view.surface_guide`` knows the guide's expected value: see ``view/control_variate.py``.
"""

from __future__ import annotations

from typing import Any

from render_actor.blender.session import bpy
from render_actor.view.surface_guide import COVERAGE

GUIDE_PASS = "guide"
"""Name of the pass; its three channels are red, green and blue."""


def add_guide(material: Any) -> Any:
    """Have a material tell the guide where the camera sees it: (base color + coverage) x cosine of the angle to the camera.

    Args:
        material: of Blender, with a Principled surface, whose base colour's links are made.

    Returns:
        The input that holds a base colour which is the same everywhere.
    """
    nodes, links = material.node_tree.nodes, material.node_tree.links
    base = nodes["Principled BSDF"].inputs["Base Color"]
    geometry = nodes.new("ShaderNodeNewGeometry")
    cosine = nodes.new("ShaderNodeVectorMath")
    cosine.operation = "DOT_PRODUCT"
    links.new(geometry.outputs["Normal"], cosine.inputs[0])
    links.new(geometry.outputs["Incoming"], cosine.inputs[1])
    positive = nodes.new("ShaderNodeMath")
    positive.operation = "MAXIMUM"
    positive.inputs[1].default_value = 0.0
    links.new(cosine.outputs["Value"], positive.inputs[0])
    bright = nodes.new("ShaderNodeVectorMath")
    bright.operation = "ADD"
    bright.inputs[1].default_value = (COVERAGE,) * 3
    if base.is_linked:
        links.new(base.links[0].from_socket, bright.inputs[0])
    else:
        bright.inputs[0].default_value = base.default_value[:3]
    guide = nodes.new("ShaderNodeVectorMath")
    guide.operation = "SCALE"
    links.new(bright.outputs["Vector"], guide.inputs["Vector"])
    links.new(positive.outputs["Value"], guide.inputs["Scale"])
    output = nodes.new("ShaderNodeOutputAOV")
    output.aov_name = GUIDE_PASS
    links.new(guide.outputs["Vector"], output.inputs["Color"])
    return bright.inputs[0]


def set_guide_pass(wanted: bool) -> None:
    """Have Cycles write the pass, or not."""
    passes = bpy.context.view_layer.aovs
    found = [one for one in passes if one.name == GUIDE_PASS]
    if wanted and not found:
        one = passes.add()
        one.name, one.type = GUIDE_PASS, "COLOR"
    for one in [] if wanted else found:
        passes.remove(one)
