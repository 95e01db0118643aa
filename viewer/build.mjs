// Builds the page's script and style into the Python package.
//   node build.mjs            build
//   node build.mjs --verify   fail if what is committed differs from a fresh build
//   node build.mjs --tests    bundle the tests for node's test runner
import { build } from "esbuild";
import { readdirSync, readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../application_sdk/monitoring/renderers/html");
const limits = { "viewer.js": 45_000, "index.js": 6_000, "viewer.css": 14_000 };

// Members of our own that no browser object and no key of the payload shares a name with:
// they get short names in the built file, which is a tenth smaller for it.
const own =
  "accepts acceptsAtEnd activate again alternatives amount anywhere backButton band bands baseline begin box " +
  "boxOf bucket candidate canvas change children choose chosen columns comparing compile context controls " +
  "count crumbs crumbsOf darkness descending describe difference drag drawn drawnFor edges element escape " +
  "facts findFill findLabel flags focused followHash foreign found foundFor frame frames gather graph grow grown guards " +
  "hiddenFrames hover initial isHidden klass layout libraries live made match metric model moved note " +
  "openSandwich options outermost paintNow panel parent parents past pathOf pending picture pixels place " +
  "plant prepare prepareSearch printing query range reach readState remember render renderGraph repaint " +
  "repeated resized result reveal root rowOf rowStart rows ruler sandwich scene search searcher " +
  "searching sentence setFocus show showResult shown single sorted source spacer stage state states subject " +
  "table tellFound texts titles toggleTheme tooltip tree view views weigh widthBy wishes withShare " +
  "writeState writing zoom";
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
  for (const [name, content] of Object.entries(await outputs())) {
    const path = join(target, name);
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
