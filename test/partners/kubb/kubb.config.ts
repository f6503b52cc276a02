import { defineConfig } from "@kubb/core";
import { pluginClient } from "@kubb/plugin-client";
import { pluginOas } from "@kubb/plugin-oas";
import { pluginTs } from "@kubb/plugin-ts";

const url = process.env.DISTRIBU_URL ?? "https://distribu.app";

export default defineConfig({
  input: { path: `${url}/openapi.json` },
  output: { path: "client", extension: { ".ts": "" }, format: false, lint: false },
  plugins: [
    pluginOas({ generators: [] }),
    pluginTs(),
    pluginClient({ client: "axios", bundle: true, baseURL: `${url}/api/v1` }),
  ],
});
