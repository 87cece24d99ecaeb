// The same request as others would make it, and what comes next with the result. A key is never in them: they read RENDER_API_KEY.

import { OPTIONS, given } from "../new/options-list.js";

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
const origin = () => new URL(".", document.baseURI).href.replace(/\/$/, "");

/** What a job was asked for: options that are not the usual ones, the CAD, and of an upload the files that came with it. */
export function requestOf(job, usual, upload = null) {
  const options = {};
  for (const [name, value] of Object.entries(job.options ?? {})) {
    const known = OPTIONS.some((option) => option.name === name) || ["unit", "parts", "camera_poses_path"].includes(name);
    if (known && value !== null && JSON.stringify(value) !== JSON.stringify(usual[name] ?? null)) options[name] = given(value);
  }
  if (options.camera?.distance_mm ?? options.camera?.distance_diameters) delete options.normalize; // It follows from the distance.
  const isUpload = Boolean(job.options?.upload_id);
  const name = job.cad_path.split("/").pop();
  const folder = isUpload ? name.replace(/\.\w+$/, "") : job.output_dir;
  return { options, isUpload, name, cad: isUpload ? name : job.cad_path, files: filesWith(name, upload), folder };
}

/** A CAD with its materials and textures; alone where they lay in folders, as those of an archive do, or are not known any more. */
function filesWith(cad, upload) {
  const names = (upload?.files ?? []).map(({ name }) => name).filter((name) => name === cad || !upload.cads.includes(name));
  return names.includes(cad) && !names.some((name) => name.includes("/")) ? names : [cad];
}

export function curlOf({ options, isUpload, cad, files, folder }, hasKey) {
  const key = hasKey ? ` \\\n  -H "X-API-Key: $RENDER_API_KEY"` : "";
  if (!isUpload) {
    const body = JSON.stringify({ cad_path: cad, output_dir: folder, ...options });
    return `curl -sS '${origin()}/api/v1/jobs?wait=true'${key} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(body)}`;
  }
  const more = Object.keys(options).length ? ` \\\n  -F ${quoted(`options=${JSON.stringify(options)};type=application/json`)}` : "";
  return (
    `job=$(curl -sS '${origin()}/api/v1/jobs?wait=true'${key}${files.map((name) => ` \\\n  -F ${quoted(`file=@${name}`)}`).join("")}${more} | python3 -c 'import json, sys; print(json.load(sys.stdin)["job_id"])')\n` +
    `curl -sS -o ${quoted(`${folder}.zip`)} "${origin()}/api/v1/jobs/$job/templates.zip"${key}`
  );
}

export function pythonOf({ options, isUpload, cad, folder }) {
  const words = Object.entries(isUpload ? options : { output_dir: folder, ...options }).map(([name, value]) => `, ${name}=${python(value)}`);
  return [
    "from render_server_client import Client",
    "",
    `with Client(${python(origin())}) as client:  # a key is read from RENDER_API_KEY`,
    `    job = client.submit(${python(cad)}${words.join("")})`,
    "    templates = client.templates(job)  # waits; arrays: rgb, mask, xyz, depth, poses, K",
    ...(isUpload ? [`    client.download(job, ${python(folder)})`] : []),
  ].join("\n");
}

function python(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}: ${python(inner)}`).join(", ")}}`;
  return JSON.stringify(value);
}

export function commandOf({ options, isUpload, cad, folder }) {
  const flags = Object.entries(options).map(([name, value]) => flag(name, value)).join("");
  const places = isUpload ? `${quoted(cad)} -o output` : `${quoted(cad)} ${quoted(folder)}`;
  return `render-server render ${places} --server ${origin()}${flags}`;
}

function flag(name, value) {
  const named = ` --${name.replaceAll("_", "-")}`;
  if (value === true) return named;
  if (value === false) return ` --no-${name.replaceAll("_", "-")}`;
  return `${named} ${quoted(typeof value === "object" ? JSON.stringify(value) : String(value))}`;
}

/** Commands of the pipelines that read a job's layout, in the folders of their own repositories. */
export function pipelinesOf(job) {
  const { layout = "sam6d", object_id: id } = job.options ?? {};
  const isUpload = Boolean(job.options?.upload_id);
  const name = job.cad_path.split("/").pop().replace(/\.\w+$/, "");
  const folder = isUpload ? `$PWD/${name}` : job.output_dir;
  const mesh = job.sam6d_cad ?? `${folder}/model_mm.ply`;
  // Of what was uploaded the file is at the user's; what the server has made of it came with the results.
  const cad = isUpload ? mesh.replace(/^upload:[^/]*\//, "$PWD/").replace(/^results:[^/]*\//, `${folder}/`) : mesh;
  const unpack = isUpload ? `unzip -d ${quoted(name)} ${quoted(`${name}.zip`)}\n` : "";
  return PIPELINES[layout]?.({ folder, cad, unpack, object: String(id ?? 1) }) ?? [];
}

const SCENE = "RGB=scene/rgb.png DEPTH=scene/depth.png CAMERA=scene/camera.json";

const PIPELINES = {
  sam6d: ({ folder, cad, unpack }) => [
    {
      name: "SAM-6D",
      text:
        `${unpack}export OUTPUT_DIR=${folder} CAD_PATH=${cad} ${SCENE}\n` +
        "cd SAM-6D/Instance_Segmentation_Model\n" +
        "python run_inference_custom.py --segmentor_model sam --output_dir $OUTPUT_DIR --cad_path $CAD_PATH --rgb_path $RGB --depth_path $DEPTH --cam_path $CAMERA\n" +
        "cd ../Pose_Estimation_Model\n" +
        "python run_inference_custom.py --output_dir $OUTPUT_DIR --cad_path $CAD_PATH --rgb_path $RGB --depth_path $DEPTH --cam_path $CAMERA --seg_path $OUTPUT_DIR/sam6d_results/detection_ism.json",
    },
  ],
  "sam6d-bop": ({ folder, unpack }) => [
    { name: "SAM-6D", text: `${unpack}# templates of ${folder} go to SAM-6D/Data/BOP-Templates/DATASET\ncd SAM-6D/Pose_Estimation_Model\npython test_bop.py --gpus 0 --model pose_estimation_model --config config/base.yaml --dataset DATASET --view 42` },
  ],
  cnos: ({ folder, unpack }) => [
    { name: "CNOS", text: `${unpack}# ${folder} stands for datasets/templates_pyrender/DATASET\ncd cnos\npython run_inference.py dataset_name=DATASET model.onboarding_config.rendering_type=pyrender` },
  ],
  gigapose: ({ folder, unpack }) => [
    { name: "GigaPose", text: `${unpack}# ${folder} stands for datasets/templates/DATASET\ncd gigapose\npython test.py test_dataset_name=DATASET run_id=1 test_setting=detection` },
  ],
};
