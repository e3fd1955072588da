/** The description of the API of runs: as OpenAPI, and as a page of it, which has no script. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Effect from "effect/Effect"
import manifest from "../../package.json" with { type: "json" }
import { RunsApi } from "./RunsApi.ts"

/** The description as OpenAPI 3.1, which is made when somebody asks for it. */
export const openApi = (): OpenApi.OpenAPISpec => OpenApi.fromApi(RunsApi.annotate(OpenApi.Version, manifest.version))

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const json = (value: unknown): string => `<pre>${escaped(JSON.stringify(value, null, 2))}</pre>`

const details = (title: string, body: string): string => `<details><summary>${escaped(title)}</summary>${body}</details>`

/** What is sent or answered, by its kind. */
const contents = (content: OpenApi.OpenApiSpecContent = {}): string =>
  Object.entries(content).map(([kind, media]) => `<p><code>${escaped(kind)}</code></p>${json(media.schema)}`).join("")

const parametersOf = ({ parameters = [] }: OpenApi.OpenAPISpecOperation): string =>
  parameters.length === 0 ? "" : `<ul>${
    parameters.map(({ description = "", in: where, name, required }) =>
      `<li><code>${escaped(name)}</code> (${where}${required ? ", required" : ""}) ${escaped(description)}</li>`).join("")
  }</ul>`

const operation = (method: string, path: string, found: OpenApi.OpenAPISpecOperation): string => {
  const responses = Object.entries(found.responses).map(([status, { content, description }]) =>
    details(`${status} ${description}`, contents(content)))
  return `<section><h3 id="${escaped(found.operationId)}"><code>${method.toUpperCase()} ${escaped(path)}</code></h3>` +
    `<p>${escaped(found.description ?? "")}</p>${parametersOf(found)}` +
    `${found.requestBody === undefined ? "" : details("Body", contents(found.requestBody.content))}${responses.join("")}</section>`
}

const page = ({ components, info, paths }: OpenApi.OpenAPISpec): string => {
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, found]) => operation(method, path, found)))
  const schemas = Object.entries(components.schemas).map(([name, schema]) => `<section id="${escaped(name)}">${details(name, json(schema))}</section>`)
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${escaped(info.title)} API</title><link rel="stylesheet" href="/docs.css"></head><body><main>` +
    `<h1>${escaped(info.title)} ${escaped(info.version)}</h1><p>${escaped(info.description ?? "")}</p>` +
    `<p>Each request but that for the health has a key with it, <code>Authorization: Bearer KEY</code>. ` +
    `The same as <a href="/openapi.json">OpenAPI</a>.</p>${operations.join("")}<h2>What is told</h2>${schemas.join("")}</main></body></html>`
}

const style = `:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 }
main { max-width: 60rem; margin: 0 auto; padding: 1rem }
section { border-top: 1px solid #8884; padding: .5rem 0 }
pre { overflow: auto; padding: .5rem; background: #8882 }
`

const headers = { "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'" }

/** Layer of the paths on which it is. They need no key: all of it is in the package. */
export const layer = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function*() {
    yield* router.get("/openapi.json", Effect.sync(() => HttpServerResponse.unsafeJson(openApi())))
    yield* router.get("/docs", Effect.sync(() => HttpServerResponse.html(page(openApi())).pipe(HttpServerResponse.setHeaders(headers))))
    yield* router.get("/docs.css", Effect.succeed(HttpServerResponse.text(style, { contentType: "text/css" })))
  }))
