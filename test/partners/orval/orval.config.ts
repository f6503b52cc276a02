import { defineConfig } from "orval";

const url = process.env.DISTRIBU_URL ?? "https://distribu.app";

export default defineConfig({
  customers: {
    input: `${url}/openapi.json`,
    output: { target: "client.ts", client: "fetch", baseUrl: `${url}/api/v1` },
  },
});
