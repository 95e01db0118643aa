// Builds the page's script and style into the Python package.
//   node build.mjs            build, and write the hashes into docs/viewer.md
//   node build.mjs --verify   fail if what is committed differs from a fresh build
//   node build.mjs --tests    bundle the tests for node's test runner
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../application_sdk/monitoring/renderers/html");
const docs = join(here, "../docs/viewer.md");
const limits = { "viewer.js": 40_000, "index.js": 6_000, "viewer.css": 14_000 };

// Members of our own: they get short names in the built file, which is a tenth smaller for it.
// Nothing here may be a member of a browser's object, or an attribute, that the sources use;
// keys of the payload and of other tools' files are quoted in the sources, so they stay.
const own =
  "above accepts acceptsAtEnd activate again alternatives amount anywhere back band bands baseline begin " +
  "begun box boxOf bucket busy bySize candidate canvas change child children choose chosen columns comparing " +
  "compile context controls copy count counts crumbs cut dark darkness descending describe difference " +
  "download drawn drawnFor edges element end ends error escape facts fields file fill fills findFill " +
  "findLabel first fixes flags focused fold folded foreign format found foundFor frame frames functions gather graph groups " +
  "guards header hide hit hover initial kept kids kind klass label " +
  "labels layout least libraries line list live made mark match matchText measures metric metrics model moved " +
  "name narrow next node nodes note options origin outermost own paintNow pair panel paper parent parents " +
  "past path pathOf pending picture pixels place places pops prepare press proceed put query range ratio read " +
  "reach regex remember repaint repeated reset resized rest result reveal right root row rowOf rows " +
  "rowStart sandwich say scale scan scene search searcher searching self sentence setFocus shade shades show " +
  "shown showResult side sides single size sorted source spacer stage start starts state states step subject sum sums " +
  "table text texts theme toggleTheme told tooltip total tree trees unit up update used values view views walked weight " +
  "widthBy widths wishes withShare write writing wrong zoom";
const mangleProps = new RegExp(`^(${own.split(" ").join("|")})$`);

const shared = { bundle: true, write: false, logLevel: "warning", charset: "ascii" };
const page = { ...shared, minify: true, mangleProps, target: ["es2022"], legalComments: "none" };

async function text(options) {
  const result = await build(options);
  return result.outputFiles[0].text;
}

async function outputs() {
  const entry = (name) => text({ ...page, entryPoints: [join(here, "src", name)], format: "iife" });
  return {
    "viewer.js": await entry("main.ts"),
    "index.js": await entry("index.ts"),
    "viewer.css": await text({ ...page, entryPoints: [join(here, "src/viewer.css")] }),
  };
}

/** The page of the docs with the hashes that a content security policy names. */
function published(files) {
  return Object.entries(files).reduce((text, [name, content]) => {
    const hash = `sha256-${createHash("sha256").update(content).digest("base64")}`;
    return text.replace(new RegExp(`(\\| \`${name}\` .*\\| \`)[^\`]*`), `$1${hash}`);
  }, readFileSync(docs, "utf8"));
}

if (process.argv.includes("--tests")) {
  const out = join(here, "build/test");
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(join(here, "test")).filter((file) => file.endsWith(".test.ts"))) {
    const options = { ...shared, entryPoints: [join(here, "test", name)], platform: "node", format: "esm" };
    writeFileSync(join(out, name.replace(/\.ts$/, ".mjs")), await text(options));
  }
} else {
  const verify = process.argv.includes("--verify");
  let failed = false;
  const files = await outputs();
  const written = { ...files, [docs]: published(files) };
  for (const [name, content] of Object.entries(written)) {
    const path = resolve(target, name);
    const size = Buffer.byteLength(content);
    if (size > limits[name]) {
      console.error(`${name} has ${size} bytes, more than the ${limits[name]} allowed`);
      failed = true;
    }
    if (!verify) {
      writeFileSync(path, content);
      console.log(`${name}: ${size} bytes`);
    } else if (readFileSync(path, "utf8") !== content) {
      console.error(`${name} differs from a fresh build: run "npm run build" in viewer/ and commit the result`);
      failed = true;
    }
  }
  process.exit(failed ? 1 : 0);
}
