"""What every layout must keep."""

from __future__ import annotations

import re

import pytest

from render_actor.contract.file_kinds import KINDS
from serve_app.templates.file_forms import FileForm
from serve_app.templates.layouts.layout import MANIFEST, Layout
from serve_app.templates.layouts.registry import DEFAULT, LAYOUTS
from tests.unit.serve_app.templates.layouts.rendered import rendered_object

EVERY = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())


def form_of(forms: dict[str, FileForm], path: str) -> FileForm | None:
    return next((form for pattern, form in forms.items() if re.fullmatch(pattern, path)), None)


def test_layouts_are_found_by_their_names_and_sam6d_is_the_default() -> None:
    assert all(layout.name == name for name, layout in LAYOUTS.items()) and DEFAULT.name == "sam6d"


@EVERY
def test_no_two_files_of_a_job_share_a_path_and_each_path_is_known(layout: Layout) -> None:
    rendered = rendered_object(views=42, outputs=layout.outputs)
    kinds = {*layout.kinds, *(kind for kind in KINDS if kind in layout.outputs)}
    paths = [path for view in range(42) for kind in kinds for path in layout.paths(kind, view, 42)]
    documents = layout.documents(rendered)
    paths += documents
    assert len(set(paths)) == len(paths) and MANIFEST not in paths
    for path in paths:
        assert path.count("/") <= 1 and not path.startswith(("/", ".")), path
        form = form_of(dict(layout.forms), path)
        assert form is not None, path
        assert path not in documents or form.fits(documents[path][:256]), path


@EVERY
def test_what_lies_beside_the_folder_is_known_and_never_in_it(layout: Layout) -> None:
    rendered = rendered_object(views=42)
    folder = layout.folder(rendered.object_id)
    for path, data in layout.beside(rendered).items():
        form = form_of(dict(layout.beside_forms), path)
        assert form is not None and data and form.fits(data[:256]), path
        assert path.count("/") <= 1 and not f"{path}/".startswith(f"{folder}/"), path


@EVERY
def test_folders_of_different_objects_do_not_overlap_unless_all_have_one(layout: Layout) -> None:
    one, other = layout.folder(1), layout.folder(2)
    assert one == other or not (f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/"))
    assert not one.startswith("/") and ".." not in one.split("/")
