// Makes charts.js, and NOTICE and LICENSE beside it, of the packages that package-lock.json pins. Usage: node build.mjs FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const folder = process.argv[2];
const read = (path) => readFileSync(new URL(`node_modules/${path}`, import.meta.url), "utf8").trim();
const version = (name) => JSON.parse(read(`${name}/package.json`)).version;

const notice = [
  `charts.js is made of Apache ECharts ${version("echarts")} (Apache License 2.0: LICENSE), zrender ${version("zrender")}`,
  `(BSD 3-Clause), parts of d3.js (BSD 3-Clause) and tslib ${version("tslib")} (0BSD), by esbuild ${version("esbuild")}.`,
  "",
  read("echarts/NOTICE"),
  "",
  `zrender: ${read("zrender/LICENSE")}`,
  "",
  `d3.js: ${read("echarts/licenses/LICENSE-d3")}`,
  "",
  `tslib: ${read("tslib/LICENSE.txt")}`,
]
  .join("\n")
  .replaceAll("\r", "")
  .replaceAll(/ +$/gm, "");

const made = await build({
  stdin: { contents: readFileSync(new URL("charts.entry.js", import.meta.url), "utf8"), resolveDir: import.meta.dirname },
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "charts",
  target: "es2020",
  charset: "ascii",
  legalComments: "none",
  banner: { js: `/*!\n${notice}\n*/` },
  write: false,
});
writeFileSync(`${folder}/charts.js`, made.outputFiles[0].text);
writeFileSync(`${folder}/NOTICE`, `${notice}\n`);
writeFileSync(`${folder}/LICENSE`, `${read("echarts/LICENSE").replaceAll("\r", "").replaceAll(/ +$/gm, "")}\n`);
