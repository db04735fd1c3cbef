/*
 * Builds the panel's assets into the folder given as the only argument.
 *
 *   manifest.json           source name -> {file, imports}: what `muntin.pages.assets` reads
 *   muntin-<hash>.css …     hashed, so they may be cached for ever
 *   *.br *.gz               the same files compressed once, here
 *   icons-<hash>.svg        one sprite of the icons named in src/icons.json
 *   licenses.txt            the licence of everything bundled
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build } from "esbuild";

const here = import.meta.dirname;
const outdir = process.argv[2];
const COMPRESSIBLE = /\.(js|css|svg|json|txt)$/;
const WORTH_COMPRESSING_BYTES = 400;

const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  metafile: true,
  outdir,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  legalComments: "none", // licenses.txt holds the whole texts
  target: ["es2022", "chrome109", "firefox115", "safari16.4"],
  logLevel: "warning",
};

/**
 * xterm writes true-colour text with `setAttribute("style", …)`, which a Content-Security-Policy without
 * 'unsafe-inline' refuses; the same through the CSSOM is allowed. Fails the build when xterm changed there.
 */
const xtermUnderCsp = {
  name: "xterm-under-csp",
  setup(pluginBuild) {
    pluginBuild.onLoad({ filter: /@xterm[\\/]xterm[\\/]lib[\\/]xterm\.mjs$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const inline = /(\w+)\.setAttribute\("style",`\$\{\1\.getAttribute\("style"\)\|\|""\}\$\{(\w+)\};`\)/g;
      if ([...source.matchAll(inline)].length !== 1) throw new Error("xterm.mjs: expected one inline style write");
      return { contents: source.replace(inline, '$1.style.cssText+=";"+$2'), loader: "js" };
    });
  },
};

/** Modules share chunks; the theme script must run before the first paint, so it stands alone. */
async function bundle() {
  const modules = await build({
    ...shared,
    entryPoints: ["main", "console", "chart", "editor"].map((name) => `src/${name}.js`),
    format: "esm",
    splitting: true,
    plugins: [xtermUnderCsp],
  });
  const plain = await build({ ...shared, entryPoints: ["src/theme.js"], format: "iife" });
  const styles = await build({
    ...shared,
    entryPoints: ["src/muntin.css", "src/muntin.rtl.css"],
    target: ["chrome123", "firefox128", "safari18"], // light-dark() and relative colours stay as they are
    loader: { ".svg": "dataurl" },
  });
  return [modules, plain, styles].map((result) => result.metafile);
}

/** Source name ("console.js") -> {file, imports: chunks that are loaded with it}. */
function describe(metafiles) {
  const manifest = {};
  for (const { outputs } of metafiles) {
    for (const [path, output] of Object.entries(outputs)) {
      if (!output.entryPoint) continue;
      const chunks = output.imports.filter((one) => one.kind === "import-statement");
      manifest[basename(output.entryPoint)] = {
        file: basename(path),
        imports: chunks.map((one) => basename(one.path)),
      };
    }
  }
  return manifest;
}

/** One `<symbol>` per icon; `stroke` and size come from the page's style sheet. */
async function sprite() {
  const names = JSON.parse(await readFile(join(here, "src/icons.json"), "utf8"));
  const icons = join(here, "node_modules/@tabler/icons/icons");
  const symbols = await Promise.all(
    names.map(async (name) => {
      const [folder, file] = name.endsWith("-filled") ? ["filled", name.slice(0, -7)] : ["outline", name];
      const source = await readFile(join(icons, folder, `${file}.svg`), "utf8");
      const inner = source
        .replace(/<!--[\s\S]*?-->/g, "")
        .replace(/[\s\S]*?<svg[^>]*>/, "")
        .replace("</svg>", "")
        .replace(/\s*\n\s*/g, "");
      return `<symbol id="${name}" viewBox="0 0 24 24">${inner}</symbol>`;
    }),
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
  const file = `icons-${createHash("sha256").update(svg).digest("hex").slice(0, 8).toUpperCase()}.svg`;
  await writeFile(join(outdir, file), svg);
  return { "icons.svg": { file, imports: [] } };
}

/** The licence texts of all packages that reached a bundle. */
async function licenses(metafiles) {
  const inputs = metafiles.flatMap((one) => Object.keys(one.inputs));
  const folders = new Set(["node_modules/@tabler/icons"]);
  for (const input of inputs) {
    const found = /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) folders.add(found[1]);
  }
  const parts = [];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
    const file = (await readdir(join(here, folder))).find((one) => /^licen[sc]e/i.test(one));
    const text = file ? await readFile(join(here, folder, file), "utf8") : `${license}\n`;
    parts.push(`${name} ${version}\n${"-".repeat(70)}\n${text}`);
  }
  await writeFile(join(outdir, "licenses.txt"), parts.join("\n\n"));
}

async function compress() {
  const files = (await readdir(outdir)).filter((file) => COMPRESSIBLE.test(file) && file !== "manifest.json");
  await Promise.all(
    files.map(async (file) => {
      const path = join(outdir, file);
      const bytes = await readFile(path);
      if (bytes.length < WORTH_COMPRESSING_BYTES) return;
      const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
      await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, { params }));
      await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
    }),
  );
}

if (!outdir) throw new Error("usage: node build.mjs OUTPUT_FOLDER");
if (existsSync(outdir)) await rm(outdir, { recursive: true });
await mkdir(outdir, { recursive: true });
const metafiles = await bundle();
const manifest = { ...describe(metafiles), ...(await sprite()) };
await licenses(metafiles);
await compress();
await writeFile(join(outdir, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
