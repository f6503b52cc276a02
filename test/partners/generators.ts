/** The client generators that are tested, and their commands. */

/** A generator: its folder here contains `use.ts` and, if needed, a configuration. */
export interface Generator {
  folder: string;
  /** The package of the generator; its version is in package.json. */
  name: string;
  /** Further packages that the generated code needs. */
  alsoInstall: string[];
  /** The configuration file, if flags are not enough. */
  configuration?: string;
  /** Run in the folder of a project; `$DISTRIBU_URL` is the address of the API. */
  generate: string;
  /** Notes for partners, a sentence each. */
  notes: string[];
}

export const generators: Generator[] = [
  {
    folder: "hey-api",
    name: "@hey-api/openapi-ts",
    alsoInstall: [],
    generate: "npx openapi-ts -i $DISTRIBU_URL/openapi.json -o client",
    notes: ["An error status does not throw unless `throwOnError` is set; a 304 has neither data nor error."],
  },
  {
    folder: "orval",
    name: "orval",
    alsoInstall: [],
    configuration: "orval.config.ts",
    generate: "npx orval",
    notes: [
      "The URL of the API is compiled in (`baseUrl`); without it, the paths are relative.",
      "Pass the key to every call, in its `RequestInit`, or configure a `mutator`.",
    ],
  },
  {
    folder: "swagger-typescript-api",
    name: "swagger-typescript-api",
    alsoInstall: [],
    generate: "npx swagger-typescript-api generate -p $DISTRIBU_URL/openapi.json -o . -n client.ts",
    notes: [
      "An error status throws the `Response` itself, which is not an `Error`.",
      "Request headers (`Idempotency-Key`, `If-Match`) are not typed: pass them as `{ headers }` in the last argument.",
      "The generated file contains `@ts-nocheck`; the code that uses it is checked.",
    ],
  },
  {
    folder: "oazapfts",
    name: "oazapfts",
    alsoInstall: ["@oazapfts/runtime"],
    generate: "npx oazapfts $DISTRIBU_URL/openapi.json client.ts",
    notes: ["An error status does not throw unless the call is wrapped in `ok()`."],
  },
  {
    folder: "kubb",
    name: "@kubb/cli",
    alsoInstall: ["@kubb/core", "@kubb/plugin-oas", "@kubb/plugin-ts", "@kubb/plugin-client", "axios"],
    configuration: "kubb.config.ts",
    generate: "npx kubb generate",
    notes: [
      'With `client: "fetch"` in place of axios, the client sends no `Content-Type` (a 415, unless you set it) and does not throw on an error status.',
      "The generator reports each run to its authors unless `DO_NOT_TRACK=1` is set.",
    ],
  },
  {
    folder: "openapi-zod-client",
    name: "openapi-zod-client",
    alsoInstall: ["@zodios/core", "axios", "zod"],
    generate: "npx openapi-zod-client $DISTRIBU_URL/openapi.json -o client.ts",
    notes: [
      'Unless `validate` is `"response"`, the client validates requests itself, and throws before it sends an invalid one, without the server\'s error message.',
      "It counts UTF-16 code units where the API counts code points, so it rejects a name of 200 emoji, which the API accepts.",
    ],
  },
  {
    folder: "openapi-fetch",
    name: "openapi-typescript",
    alsoInstall: ["openapi-fetch"],
    generate: "npx openapi-typescript $DISTRIBU_URL/openapi.json -o client.d.ts --default-non-nullable=false",
    notes: [
      "Without `--default-non-nullable=false`, `status` is required on create, because it has a default.",
      "An error status does not throw. The types do not reject unknown fields unless you add `satisfies`.",
    ],
  },
];

/** Postman: the first command generates the collection, the second runs it. */
export const postman = {
  folder: "postman",
  name: "openapi-to-postmanv2",
  alsoInstall: ["newman"],
  fetch: "curl -o client.json $DISTRIBU_URL/openapi.json",
  generate:
    "npx openapi2postmanv2 -s client.json -o client-collection.json -O parametersResolution=Example,enableOptionalParameters=false",
  run: "npx newman run client-collection.json --env-var baseUrl=$DISTRIBU_URL/api/v1 --env-var bearerToken=$DISTRIBU_API_KEY",
  notes: [
    "Set the collection's variables `baseUrl` and `bearerToken`.",
    "`id` is that of the example and gets a 404; replace it with the ID of one of your customers.",
    "The customer of the example can be created once; after that it gets a 409.",
  ],
};
