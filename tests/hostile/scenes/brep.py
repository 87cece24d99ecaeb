"""STEP and IGES: exact shapes whose text is broken, which refer in circles, or which would take for ever to draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.hostile.case import Case, Data, Outcome, case
from tests.hostile.scenes.iges_file import SURFACES, iges
from tests.hostile.scenes.step_file import step

_SPLINE = "B_SPLINE_SURFACE_WITH_KNOTS('',{degree},{degree},{points},.UNSPECIFIED.,.F.,.F.,.F.,{m},{m},{k},{k},.UNSPECIFIED.)"
"""With the same degree, multiplicities and knots both ways."""


def _with(rows: str) -> str:
    """A STEP file with more entities."""
    return step().replace("DATA;\n", "DATA;\n" + rows, 1)


def _first(kind: str, row: str) -> str:
    """A STEP file in which the first entity of a kind has other parameters."""
    text = step()
    start = text.index(f"={kind}(") + 1
    return text[:start] + row + text[text.index(";\n", start) :]


def _grid(count: int, values: str) -> str:
    return "(" + ",".join(["(" + ",".join([values] * count) + ")"] * count) + ")"


def step_cases() -> Iterator[Case]:
    good = step()
    corners = "((#1,#3),(#5,#7))"
    files: dict[str, tuple[Data, Outcome]] = {
        "magic": (good.replace("ISO-10303-21", "ISO-10303-99"), "either"),
        "xml": ('<?xml version="1.0"?><iso_10303_28 xmlns="urn:iso10303-28"/>', "refused"),
        "nothing": ("", "refused"),
        "noise": (bytes(range(256)) * 40, "refused"),
        "zeros": (bytes(100_000), "refused"),
        "stl-within": ("solid a\nfacet normal 0 0 1\n", "refused"),
        "only-header": (good[: good.index("DATA;")], "refused"),
        "no-entities": (good[: good.index("DATA;") + 6] + "ENDSEC;\nEND-ISO-10303-21;\n", "refused"),
        "no-end": (good.replace("ENDSEC;\nEND-ISO-10303-21;\n", "") + "ENDSEC;\n", "either"),
        "points-alone": (good[: good.index("DATA;") + 6] + "#1=CARTESIAN_POINT('',(1.,2.,3.));\nENDSEC;\nEND-ISO-10303-21;\n", "refused"),
        "string-unclosed": (good.replace("'part'", "'part", 1), "either"),
        "comment-unclosed": (good.replace("DATA;", "DATA; /*"), "refused"),
        "brackets": (_with("#900=CARTESIAN_POINT('',(" + "(" * 200_000 + ");\n"), "either"),
        "brackets-closed": (_with("#900=X(" + "(" * 50_000 + ")" * 50_000 + ");\n"), "either"),
        "row-of-megabytes": (_with("#900=CARTESIAN_POINT('" + "x" * 5_000_000 + "',(0.,0.,0.));\n"), "either"),
        "number-huge": (_with(f"#900=CARTESIAN_POINT('',({'9' * 400_000}.,0.,0.));\n"), "either"),
        "id-huge": (_with(f"#{'9' * 400}=CARTESIAN_POINT('',(0.,0.,0.));\n"), "either"),
        "id-zero": (_with("#0=CARTESIAN_POINT('',(0.,0.,0.));\n"), "either"),
        "id-twice": (good.replace("#2=", "#1=", 1), "either"),
        "no-such-entity": (good.replace("(#1)", "(#99999)").replace("'',#1)", "'',#99999)"), "either"),
        "unknown-entities": (good.replace("ADVANCED_FACE", "FANCY_FACE"), "refused"),
        "names-itself": (_first("CLOSED_SHELL", "CLOSED_SHELL('',({id}))").replace("{id}", _id_of("CLOSED_SHELL")), "refused"),
        "loop-names-itself": (_first("EDGE_LOOP", "EDGE_LOOP('',({id},{id},{id}))").replace("{id}", _id_of("EDGE_LOOP")), "either"),
        "curve-names-itself": (
            _first("LINE", "TRIMMED_CURVE('',{id},(#1),(#3),.T.,.CARTESIAN.)").replace("{id}", _id_of("LINE")),
            "either",
        ),
        "surface-names-itself": (_first("PLANE", "OFFSET_SURFACE('',{id},1.,.F.)").replace("{id}", _id_of("PLANE")), "either"),
        "assembly-holds-itself": (_assembly_of_itself(), "either"),
        "wrong-kinds": (good.replace("CARTESIAN_POINT", "DIRECTION"), "refused"),
        "few-parameters": (good.replace(",.T.);", ");"), "either"),
        "coordinates-words": (good.replace("-30.000000000000", "'a'"), "either"),
        "coordinates-nan": (good.replace("-30.000000000000", "NaN"), "either"),
        "coordinates-infinite": (good.replace("-30.000000000000", "1.E999"), "either"),
        "coordinates-huge": (good.replace("-30.000000000000", "-1.E300"), "either"),
        "two-coordinates": (good.replace("-30.000000000000,", ""), "either"),
        "directions-zero": (_directions_zero(), "either"),
        "open-edges": (good.replace(".T.);\n", ".F.);\n"), "either"),
        "shell-empty": (_first("CLOSED_SHELL", "CLOSED_SHELL('',())"), "refused"),
        "unit-unknown": (step("SI_UNIT(.PARSEC.,.METRE.)"), "either"),
        "unit-missing": (good.replace("GLOBAL_UNIT_ASSIGNED_CONTEXT", "X_ASSIGNED_CONTEXT"), "either"),
        "million-points": (lambda: _with("".join(f"#{i}=CARTESIAN_POINT('',({i}.,0.,0.));\n" for i in range(1000, 1_001_000))), "either"),
        "sphere-as-large-as-the-earth": (_first("PLANE", f"SPHERICAL_SURFACE('',{_argument('PLANE')},6.4E9)"), "either"),
        "sphere-of-nothing": (_first("PLANE", f"SPHERICAL_SURFACE('',{_argument('PLANE')},0.)"), "either"),
        "torus-negative": (_first("PLANE", f"TOROIDAL_SURFACE('',{_argument('PLANE')},-1.,-5.)"), "either"),
        "cone-flat": (_first("PLANE", f"CONICAL_SURFACE('',{_argument('PLANE')},1.,1.5707963267948966)"), "either"),
        "spline-degree-huge": (_first("PLANE", _SPLINE.format(degree=10**9, points=corners, m="(2,2)", k="(0.,1.)")), "either"),
        "spline-degree-negative": (_first("PLANE", _SPLINE.format(degree=-1, points=corners, m="(2,2)", k="(0.,1.)")), "either"),
        "spline-knots-few": (_first("PLANE", _SPLINE.format(degree=1, points=corners, m="(2)", k="(0.)")), "either"),
        "spline-knots-fall": (_first("PLANE", _SPLINE.format(degree=1, points=corners, m="(2,2)", k="(1.,0.)")), "either"),
        "spline-knots-nan": (_first("PLANE", _SPLINE.format(degree=1, points=corners, m="(2,2)", k="(0.,1.E999)")), "either"),
        "spline-many-points": (
            lambda: _first("PLANE", _SPLINE.format(degree=3, points=_grid(400, "#1"), m=f"(4{',1' * 396},4)", k=_knots(398))),
            "either",
        ),
        "spline-that-swings": (_swinging(), "either"),
    }
    for label, (data, outcome) in files.items():
        yield replace(case("step", label, ".step", data, outcome), native=True)


def _id_of(kind: str) -> str:
    """The number, as ``#7``, of the first entity of a kind."""
    before = step()[: step().index(f"={kind}(")]
    return before[before.rindex("#") :]


def _argument(kind: str) -> str:
    """Its second parameter."""
    text = step()
    return text[text.index(f"={kind}(") :].split(";", 1)[0].rstrip(")").split(",")[1]


def _knots(count: int) -> str:
    return "(" + ",".join(f"{number}." for number in range(count)) + ")"


def _directions_zero() -> str:
    return "".join(line.split("(", 1)[0] + "('',(0.,0.,0.));\n" if "=DIRECTION(" in line else line for line in step().splitlines(True))


def _assembly_of_itself() -> str:
    design = _id_of("PRODUCT_DEFINITION")
    return _with(
        f"#900=NEXT_ASSEMBLY_USAGE_OCCURRENCE('1','1','',{design},{design},$);\n#901=PRODUCT_DEFINITION_SHAPE('','',#900);\n"
        f"#902=NEXT_ASSEMBLY_USAGE_OCCURRENCE('2','2','',{design},{design},$);\n#903=PRODUCT_DEFINITION_SHAPE('','',#902);\n"
    )


def _swinging() -> str:
    """A face on a surface that goes up and down by a kilometre every micrometre: no number of triangles draws it."""
    count = 120
    rows = "".join(
        f"#{1000 + i * count + j}=CARTESIAN_POINT('',({i * 0.5 - 30},{j * 0.4 - 20},{(-1) ** (i + j)}.E6));\n"
        for i in range(count)
        for j in range(count)
    )
    points = "(" + ",".join("(" + ",".join(f"#{1000 + i * count + j}" for j in range(count)) + ")" for i in range(count)) + ")"
    spline = _SPLINE.format(degree=3, points=points, m=f"(4{',1' * (count - 4)},4)", k=_knots(count - 2))
    return _first("PLANE", spline).replace("DATA;\n", "DATA;\n" + rows, 1)


def iges_cases() -> Iterator[Case]:
    good = iges()
    lines = good.decode().splitlines(keepends=True)
    sphere = "128,{n},{n},3,3,0,0,1,0,0,"
    files: dict[str, tuple[Data, Outcome]] = {
        "nothing": (b"", "refused"),
        "noise": (bytes(range(256)) * 40, "refused"),
        "zeros": (bytes(100_000), "refused"),
        "text": ("hello\n" * 1000, "refused"),
        "only-start": (lines[0], "refused"),
        "no-entities": (iges([]), "refused"),
        "no-end": ("".join(lines[:-1]), "refused"),
        "no-parameters": ("".join(line for line in lines if line[72] != "P"), "refused"),
        "no-directory": ("".join(line for line in lines if line[72] != "D"), "refused"),
        "lines-swapped": ("".join(reversed(lines)), "refused"),
        "long-lines": (good.replace(b"\n", b" " * 20_000), "refused"),
        "one-line": (good.replace(b"\n", b""), "either"),
        "counts-lie": (good.replace(b"D     12P", b"D9999999P"), "either"),
        "pointer-beyond": (good.replace(b"     128       1", b"     128 9999999", 1), "either"),
        "pointer-negative": (good.replace(b"     128       1", b"     128      -1", 1), "either"),
        "lines-negative": (good.replace(b"       3       0   ", b"      -3       0   ", 1), "either"),
        "transform-circle": (
            iges(["124,1.,0.,0.,0.,0.,1.,0.,0.,0.,0.,1.,0.;", *SURFACES]).replace(
                b"       0       0       0       0000", b"       0       1       0       0000"
            ),
            "either",
        ),
        "trims-itself": (iges(["144,1,0,0,1;", *SURFACES]), "either"),
        "group-of-itself": (iges(["402,1,1;"]), "refused"),
        "instance-of-itself": (iges(["408,1,0.,0.,0.,1.;"]), "refused"),
        "subfigure-of-itself": (iges(["308,0,4Hpart,1,1;", "408,1,0.,0.,0.,1.;"]), "refused"),
        "hollerith-beyond": (iges(unit="9999999HMM"), "either"),
        "hollerith-negative": (iges(unit="-5HMM"), "either"),
        "unit-unknown": (iges(flag=77), "either"),
        "unit-by-name-unknown": (iges(flag=3, unit="6HPARSEC"), "either"),
        "numbers-words": (good.replace(b"-30.0", b"words", 4), "either"),
        "numbers-huge": (good.replace(b"-30.0", b"1.E99", 4), "either"),
        "numbers-infinite": (good.replace(b"-30.0", b"1.E+9999", 1), "either"),
        "points-few": (iges([SURFACES[0].split(",0.,1.,0.,1.")[0][:60] + ";"]), "refused"),
        "points-claimed": (iges([sphere.format(n=2**31 - 1) + "0.,1.;"]), "refused"),
        "degree-huge": (iges(["128,1,1,999999999,999999999,0,0,1,0,0,0.,0.,1.,1.;"]), "refused"),
        "weights-zero": (iges([surface.replace("1.,1.,1.,1.,1.,1.,", "1.,1.,0.,0.,0.,0.,", 1) for surface in SURFACES]), "either"),
        "lines-alone": (iges(["110,0.,0.,0.,1.,1.,1.;"]), "refused"),
        "points-alone": (iges(["116,0.,0.,0.,0;"]), "refused"),
        "type-unknown": (iges(["9999,1,2,3;"]), "refused"),
        "twenty-thousand-points": (lambda: iges(["116,0.,0.,0.,0;"] * 20_000), "refused"),
    }
    for label, (data, outcome) in files.items():
        yield replace(case("iges", label, ".igs", data, outcome), native=True)
