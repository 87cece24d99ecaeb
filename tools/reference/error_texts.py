"""What each error code means, and what to do: for the page of errors. The answer itself has the values."""

from __future__ import annotations

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "The request": {
        "validation_error": (
            "A field is missing, unknown, of a wrong type or outside its range.",
            "`detail` names the field, the value and what is allowed.",
        ),
        "unauthorized": ("The API key is missing or wrong.", "Send it as `X-API-Key`, or `Authorization: Bearer KEY`."),
        "headers_too_large": ("More than 100 headers, or more than 32 KiB.", "Send fewer cookies; have the proxy remove its own headers."),
        "body_too_large": ("The body has more bytes than the server takes.", "Split a batch; an operator raises `RENDER_MAX_BODY_BYTES`."),
        "body_too_slow": ("The body did not come within 30 s.", "Send the request again."),
        "content_type_unsupported": (
            "The body is not what its `Content-Type` says, or of a type that is not read.",
            "Send JSON, or a form where files are taken.",
        ),
        "path_outside_roots": (
            "A path leads outside the folders that requests may use.",
            "Use a path below `RENDER_INPUT_ROOTS` (CADs) or `RENDER_OUTPUT_ROOTS` (results), or upload the CAD.",
        ),
        "output_reserved": ("`output_dir` is, holds or lies in a folder of the server's own.", "Name another folder."),
        "callback_refused": (
            "The server may not call the host of `callback_url`.",
            "The operator adds it to `RENDER_WEBHOOK_HOSTS`; or follow the job's events.",
        ),
        "not_found": ("There is no such path, or what it named is gone.", "`/docs` lists the paths."),
        "method_not_allowed": ("The path does not take this method.", "The `Allow` header names those that it takes."),
        "job_not_found": ("No job has this id; ended jobs are forgotten after a while.", "Check the id; `RENDER_KEEP_JOBS_DAYS`."),
        "range_not_satisfiable": (
            "No byte of the file lies in the range that was asked for.",
            "Ask for a range within `Content-Range`'s length.",
        ),
        "poses_invalid": ("The poses file is no N x 4 x 4 array of camera poses.", "Write it with `numpy.save`, OpenCV axes."),
    },
    "The CAD": {
        "cad_not_found": ("There is no such file.", "Paths are the server's, relative to its start folder; or upload the CAD."),
        "cad_not_a_file": ("The path is a folder or something else than a file.", "Name the CAD file itself."),
        "cad_unreadable": ("The server's user may not read the file.", "Change its permissions, or upload it."),
        "cad_format_unsupported": (
            "The format is not read.",
            "Export the CAD as one that the message lists: STEP, OBJ, PLY, STL, GLB, ...",
        ),
        "cad_invalid": ("The file is damaged, cut off or empty.", "Export it again; `detail` says what is wrong and where."),
        "cad_part_unknown": ("`parts` names a part that the CAD does not have.", "`POST /api/v1/cad/inspect` lists the parts."),
        "cad_too_large": ("Too many bytes, faces or seconds.", "Simplify it, or have the operator raise the limit that the message names."),
        "cad_quarantined": ("This CAD killed two renderers within the hour.", "Repair or simplify it: a changed file is tried at once."),
    },
    "Uploads": {
        "upload_not_found": ("No upload has this id.", "Check the id; `POST /api/v1/uploads` makes one."),
        "upload_expired": ("The upload was kept for its time, or removed.", "Send its files again."),
        "upload_invalid": (
            "A file or an archive that is not taken: a name leads out of its folder, or it is a link, encrypted, damaged, or there twice.",
            "`detail` says which and why; rename it, or zip the files anew.",
        ),
        "upload_too_large": (
            "Too many bytes or files, or an archive that grows too much.",
            "Send fewer or simpler files, or have the operator raise the limit that the message names.",
        ),
        "upload_in_use": ("A job that has not ended needs the upload.", "Wait for the job, or cancel it."),
        "upload_incomplete": ("Pieces of the upload are missing.", "Send the rest: `HEAD` tells where to go on."),
        "upload_offset_conflict": (
            "The piece does not begin where the upload ends so far, or another piece is being received.",
            "Ask `HEAD` for `Upload-Offset`, and go on from there.",
        ),
        "upload_checksum_mismatch": ("The piece was damaged on its way; nothing of it was kept.", "Send it again."),
        "tus_version_unsupported": ("`Tus-Resumable` names another version of tus.", "Send `Tus-Resumable: 1.0.0`."),
    },
    "The output folder": {
        "output_not_writable": ("The server's user may not write there, or it is no folder.", "Change its permissions, or name another."),
        "output_not_replaceable": ("The folder holds files that are not templates.", "Move them, or name another folder."),
        "output_busy": ("Another job is going to publish this folder.", "Wait for it, cancel it, or name another folder."),
    },
    "The views": {
        "view_blank": ("A view does not show the object.", "`recenter: true`; check `unit`, `camera.K` and the distance."),
        "view_clipped": ("The object touches the border of a view.", "`recenter: true`; a larger `distance_mm`, or another `K`."),
        "camera_inside_object": ("A camera stands in the object.", "Keep `normalize` on, or give a larger distance."),
        "view_too_slow": (
            "A view takes far longer than its pixels and samples should.",
            "Remove copies and layers that lie over one another, use fewer faces, or lower `resolution` or `samples`.",
        ),
    },
    "What a job has rendered": {
        "view_not_ready": ("The view is not rendered yet.", "Ask again after `Retry-After` seconds, or follow the job's events."),
        "job_not_finished": ("The job has not ended, and this needs all of its views.", "Wait for it: `GET /api/v1/jobs/{job_id}`."),
        "no_results": (
            "The job has ended without results, or its layout has none of this kind.",
            "The job's `error` says why; render it again.",
        ),
        "results_gone": (
            "The files were removed, or replaced by another job's.",
            "Send the request again: it is often answered from the cache.",
        ),
    },
    "What else is going on": {
        "idempotency_conflict": ("The key or job id belongs to another request.", "Use a new one."),
        "canceled": ("The job was canceled.", "Send the request again to render it after all."),
        "queue_full": ("As many jobs wait as may wait.", "Try again after `Retry-After` seconds."),
        "too_many_waiting": ("As many requests wait for their job as may wait.", "Do not wait: ask for the job, or read its events."),
        "queue_timeout": ("The job waited longer than `RENDER_QUEUE_TIMEOUT_SEC`.", "Send it again; more renderers."),
        "job_timeout": ("The job ran longer than `RENDER_JOB_TIMEOUT_SEC`.", "Fewer views, a lower `quality`, or a higher limit."),
        "storage_full": ("A disk has no room for what the job will write.", "Free some; try again after `Retry-After` seconds."),
        "store_unavailable": ("The job store cannot be written or read.", "The operator looks at `RENDER_DATA_DIR`; then try again."),
        "draining": ("The server is about to stop.", "Try again after `Retry-After` seconds; accepted jobs go on at the next start."),
        "not_ready": ("No renderer is ready yet.", "Ask again in a moment; `GET /api/v1/status` shows each renderer."),
    },
    "The renderers": {
        "renderer_start_failed": ("A Blender could not start.", "The message has the cause; most often a system library is missing."),
        "renderer_lost": ("A Blender died, and a second one, too.", "Send the request again; the job's log has the cause."),
        "out_of_memory": ("Blender ran out of memory.", "Lower `resolution`, or run fewer renderers on a machine (0.6 GB each)."),
        "render_failed": ("Blender refused the scene.", "Send it again; if it fails again, the job's log has the cause."),
        "server_restarted": ("An earlier server accepted the job and this one cannot go on with it.", "Send the request again."),
        "internal_error": ("A fault of the server.", "The server's log, and the job's, say more: report it with its `X-Request-Id`."),
    },
}
"""By group and code: the meaning and the remedy."""
