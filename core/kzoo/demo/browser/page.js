// The page of `kzoo demo`. gradio runs it with `element`, `props` and `server`; it asks nothing of any other machine.
// Texts from models and files are put in as text, never as HTML.

const at = Object.fromEntries([...element.querySelectorAll("[data-at]")].map((one) => [one.dataset.at, one]));
const LONGEST = 640; // pixels of the longer side of a camera's frame that is sent
const QUALITY = 0.92;
const OVER = 2000; // milliseconds over which the pace is measured
const MOST_BYTES = 64 * 2 ** 20;

function made(tag, text, className) {
  const one = document.createElement(tag);
  if (text !== undefined) one.textContent = text;
  if (className) one.className = className;
  return one;
}

function listed(list, texts) {
  list.replaceChildren(...texts.map((text) => made("li", text)));
}

function failed(text) {
  at.error.textContent = text || "";
  at.error.hidden = !text;
}

// What the server says; where it says nothing, it has ended or failed.
async function asked(name, sent) {
  const found = await server[name](sent);
  if (found === undefined || found === null) {
    return { error: "kzoo does not answer: it was stopped, or failed, which its terminal shows." };
  }
  return found;
}

// The name of the page's session, which the server sends once the page is there.
async function session() {
  for (let waited = 0; !props.value && waited < 10_000; waited += 50) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return props.value || "";
}

// ---- the answer

function inWords(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)).toString() : String(value);
}

function drawBars(bars) {
  const best = Math.max(...bars.map(([, part]) => part));
  const rows = bars.flatMap(([name, part]) => {
    const marked = part === best ? " best" : "";
    const label = made("div", name, "name" + marked);
    label.title = name;
    const track = made("div", undefined, "track");
    const fill = made("div", undefined, "fill");
    fill.style.width = `${(100 * part).toFixed(1)}%`;
    track.append(fill);
    return [label, track, made("div", `${(100 * part).toFixed(1)} %`, "value" + marked)];
  });
  at.bars.replaceChildren(...rows);
}

function drawTable(columns, rows) {
  const numbers = columns.map((_, place) => rows.some((row) => typeof row[place] === "number"));
  const head = made("tr");
  head.append(...columns.map((name, place) => made("th", name, numbers[place] ? "number" : "")));
  const lines = rows.map((row) => {
    const line = made("tr");
    line.append(...row.map((value, place) => made("td", inWords(value), numbers[place] ? "number" : "")));
    return line;
  });
  at.table.replaceChildren(head, ...lines);
  at.table.hidden = !rows.length;
}

function show(found) {
  failed(found.error);
  if (found.error) return;
  at.text.textContent = found.text;
  drawBars(found.bars);
  drawTable(found.columns, found.rows);
  listed(at.notes, [...found.doubts, ...(found.notes || [])]);
  at.answer.dataset.answer = JSON.stringify(found.answer);
  if (found.picture) {
    at.shown.src = found.picture;
    at.shown.hidden = false;
    at.hint.hidden = true;
  }
}

// ---- pictures

async function readPicture(file) {
  if (!file) return;
  await closeCamera();
  if (file.size > MOST_BYTES) {
    failed(`${file.name} is larger than ${MOST_BYTES / 2 ** 20} MB. Make it smaller, or use kzoo predict.`);
    return;
  }
  const reader = new FileReader();
  reader.onload = async () => {
    const began = performance.now();
    show(await asked("picture", { picture: reader.result, name: file.name || "the picture" }));
    at.pace.textContent = `answered in ${Math.round(performance.now() - began)} ms`;
  };
  reader.onerror = () => failed(`${file.name} cannot be read: ${reader.error.message}`);
  reader.readAsDataURL(file);
}

async function readExample(number) {
  await closeCamera();
  const began = performance.now();
  show(await asked("example", { number }));
  at.pace.textContent = `answered in ${Math.round(performance.now() - began)} ms`;
}

// ---- the camera: one frame is under way at a time, and the next one is the newest there is

const video = document.createElement("video");
video.muted = true;
video.playsInline = true;
const canvas = document.createElement("canvas");
let camera = null;
let opened = 0;

async function openCamera(deviceId) {
  await closeCamera();
  failed("");
  if (!navigator.mediaDevices || !video.requestVideoFrameCallback) {
    failed("This browser gives no camera to this page: it gives one to pages of this computer (127.0.0.1) or over https.");
    return;
  }
  const wanted = { width: { ideal: LONGEST }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: deviceId ? { ...wanted, deviceId: { exact: deviceId } } : wanted,
      audio: false,
    });
  } catch (error) {
    failed(`The camera cannot be opened: ${error.message || error.name}.`);
    return;
  }
  opened += 1;
  const begun = { session: await session(), began: null, first: null, newest: null, sent: -1, busy: false, pace: [], out: 0 };
  camera = { stream, opened, ...begun };
  const mine = camera;
  stream.getVideoTracks()[0].onended = () => mine === camera && closeCamera();
  video.srcObject = stream;
  await video.play();
  at.camera.textContent = "Close the camera";
  at.camera.classList.add("main");
  at.answer.ariaLive = "off"; // what is read aloud could not keep up
  video.requestVideoFrameCallback((now, told) => noticed(mine, now, told));
  await offerCameras(stream);
}

async function closeCamera() {
  if (!camera) return;
  const mine = camera;
  camera = null;
  mine.stream.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  at.camera.textContent = "Open the camera";
  at.camera.classList.remove("main");
  at.answer.ariaLive = "polite";
  delete at.view.dataset.frames;
  const found = await asked("closed", { session: mine.session });
  if (found.notes && found.notes.length) listed(at.notes, found.notes);
}

async function offerCameras(stream) {
  const there = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
  const used = stream.getVideoTracks()[0].getSettings().deviceId;
  at.cameras.replaceChildren(
    ...there.map((one, number) => {
      const option = made("option", one.label || `Camera ${number + 1}`);
      option.value = one.deviceId;
      option.selected = one.deviceId === used;
      return option;
    }),
  );
  at.cameras.hidden = there.length < 2;
}

// Called by the browser with every new frame, and when it was captured.
function noticed(mine, now, told) {
  if (mine !== camera) return;
  video.requestVideoFrameCallback((later, next) => noticed(mine, later, next));
  const time = told.captureTime || now;
  mine.began = mine.began === null ? time : mine.began;
  mine.first = mine.first === null ? told.presentedFrames : mine.first;
  mine.newest = { time, index: told.presentedFrames - mine.first };
  if (!mine.busy) send(mine);
}

async function send(mine) {
  mine.busy = true;
  try {
    while (mine === camera && mine.newest.index > mine.sent) {
      const { time, index } = mine.newest;
      mine.out += index - mine.sent - 1;
      mine.sent = index;
      const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
      const found = await asked("frame", {
        session: mine.session,
        picture: canvas.toDataURL("image/jpeg", QUALITY),
        opened: mine.opened,
        index,
        time: Math.max(0, time - mine.began) / 1000,
      });
      if (mine !== camera) return;
      if (found.dropped) continue;
      show(found);
      if (found.error) {
        await closeCamera();
        return;
      }
      await at.shown.decode().catch(() => undefined);
      keptPace(mine, performance.now(), time, found);
    }
  } finally {
    mine.busy = false;
  }
}

function keptPace(mine, now, captured, found) {
  mine.pace = [...mine.pace, { now, age: now - captured }].filter((one) => now - one.now < OVER);
  const ages = mine.pace.map((one) => one.age).sort((a, b) => a - b);
  const [first, last] = [mine.pace[0].now, mine.pace[mine.pace.length - 1].now];
  const rate = mine.pace.length > 1 ? (1000 * (mine.pace.length - 1)) / (last - first) : 0;
  const age = ages[Math.floor(ages.length / 2)];
  at.view.dataset.last = (now - captured).toFixed(1);
  at.view.dataset.frames = Number(at.view.dataset.frames || 0) + 1;
  at.view.dataset.rate = rate.toFixed(2);
  at.view.dataset.age = age.toFixed(1);
  const model = Math.round(1000 * found.seconds);
  at.pace.textContent =
    `${rate.toFixed(1)} frames a second, each answered ${Math.round(age)} ms after it was seen ` +
    `(${model} ms of that by the model); ${mine.out} older ones left out`;
}

// ---- rows

function fieldOf(one) {
  const label = made("label", undefined);
  label.append(made("span", one.name));
  let input;
  if (one.choices.length) {
    input = made("select");
    input.append(
      ...one.choices.map((choice) => {
        const option = made("option", choice || "(missing)");
        option.value = choice;
        return option;
      }),
    );
  } else {
    input = made("input");
    input.inputMode = "decimal";
  }
  input.name = one.name;
  input.value = one.default;
  label.append(input, made("span", one.words, "words"));
  return label;
}

// ---- what there is to begin with

at.title.textContent = `kzoo demo: ${props.pipeline}`;
at.model.textContent = props.model;
listed(at.cautions, props.cautions);
const fields = props.fields || [];
at.pictures.hidden = fields.length > 0;
at.form.hidden = fields.length === 0;
at.fields.append(...fields.map(fieldOf));
at.form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = Object.create(null); // a column may be called __proto__
  for (const input of at.fields.querySelectorAll("input, select")) values[input.name] = input.value;
  show(await asked("row", { values }));
});
at.examples.append(
  ...(props.examples || []).map((one, number) => {
    const button = made("button");
    button.type = "button";
    button.title = one.name;
    const image = made("img");
    image.src = one.picture;
    image.alt = one.name;
    button.append(image);
    button.addEventListener("click", () => readExample(number));
    return button;
  }),
);
at.camera.addEventListener("click", () => (camera ? closeCamera() : openCamera()));
at.cameras.addEventListener("change", () => openCamera(at.cameras.value));
at.file.addEventListener("change", () => {
  readPicture(at.file.files[0]);
  at.file.value = "";
});
if (!fields.length) {
  at.view.addEventListener("dragover", (event) => {
    event.preventDefault();
    at.view.classList.add("over");
  });
  at.view.addEventListener("dragleave", () => at.view.classList.remove("over"));
  at.view.addEventListener("drop", (event) => {
    event.preventDefault();
    at.view.classList.remove("over");
    readPicture(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => readPicture(event.clipboardData.files[0]));
}
element.dataset.ready = "true";
