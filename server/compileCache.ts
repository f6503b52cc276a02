/**
 * Caches compiled code, which shortens startup. Programs import this module before any package. The cache is in this
 * package's folder: in Node's default folder, which is for temporary files, another user could plant code. Without write
 * access, Node runs without a cache.
 */
import module from "node:module";
import { dirname, join } from "node:path";

const root = dirname(module.createRequire(import.meta.url).resolve("#package.json"));
module.enableCompileCache(join(root, "node_modules/.cache/compiled"));
