// Fails if the core, as a page would load it, is larger than it may be.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LIMIT = 5000;

const { outputFiles } = await build({
  entryPoints: ["src/index.ts"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  write: false,
});
const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
console.log(`tokenpair, minified and gzipped: ${size} of ${LIMIT} bytes`);
process.exitCode = size > LIMIT ? 1 : 0;
