/**
 * Caches compiled code, which shortens startup. Programs import it before any package. The cache is within this
 * package, as in Node's default folder for temporary files another user could plant code. Without permission to write
 * here, Node.js goes on without a cache.
 */
import module from "node:module";
import { dirname, join } from "node:path";

const root = dirname(module.createRequire(import.meta.url).resolve("#package.json"));
module.enableCompileCache(join(root, "node_modules/.cache/compiled"));
