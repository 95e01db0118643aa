// Starts the page. Where anything it needs is missing, what shows without a script stays.
import { startApp } from "./app.ts";
import { el } from "./dom.ts";
import { buildModel } from "./model.ts";
import { readPayload } from "./payload.ts";

const root = document.documentElement;
root.classList.add("scripted");

async function start(): Promise<void> {
  const payload = document.getElementById("payload")!;
  const app = document.getElementById("app")!;
  try {
    const model = buildModel(await readPayload(payload.textContent!.trim()));
    payload.remove();
    startApp(model, app);
  } catch (problem) {
    root.classList.remove("scripted");
    app.replaceChildren(el("p", { class: "wrong", role: "alert" }, `The interactive view does not work here: ${problem}`));
    throw problem;
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => void start());
else void start();
