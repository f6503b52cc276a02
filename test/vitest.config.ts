import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/*.test.ts"],
    typecheck: { enabled: true, tsconfig: "test/tsconfig.json", include: ["test/*.test-d.ts"] },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
