/** The files of the page, as the build has made them: read once, and served from memory. They need no key. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/** The files of the page can not be read. */
export class PageFilesError extends Schema.TaggedError<PageFilesError>()("PageFilesError", {
  directory: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `the page is not in ${this.directory}: ${this.problem}; install Telemachy anew, or serve nothing with --no-api`
  }
}

/** The paths of the page: each is answered with the same document, which shows what belongs there. */
const paths = ["/", "/login", "/runs/:run", "/leftovers", "/runners", "/schedules"] as const

const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml"
}

/** The document may load what is beside it, ask the server that it is from, and nothing else. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

const documentHeaders = {
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin"
}

// Their names change with what is in them.
const fileHeaders = { "cache-control": "public, max-age=31536000, immutable" }

/** Layer of the paths of the page, from a directory that has `index.html` and what that loads. */
export const layer = (directory: string) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const document = yield* files.readFile(path.join(directory, "index.html"))
    const names = (yield* files.readDirectory(directory)).filter((name) => types[path.extname(name)] !== undefined)
    const contents = yield* Effect.forEach(names, (name) => Effect.map(files.readFile(path.join(directory, name)), (body) => [name, body] as const))
    return HttpApiBuilder.Router.use((router) =>
      Effect.gen(function*() {
        for (const each of paths) {
          yield* router.get(each, Effect.sync(() =>
            HttpServerResponse.uint8Array(document, { contentType: "text/html; charset=utf-8", headers: documentHeaders })))
        }
        for (const [name, body] of contents) {
          yield* router.get(`/page/${name}`, Effect.sync(() =>
            HttpServerResponse.uint8Array(body, { contentType: types[path.extname(name)] ?? "", headers: fileHeaders })))
        }
      }))
  })).pipe(
    Layer.mapError((error) => new PageFilesError({ directory, problem: error._tag === "SystemError" ? error.reason : error.message }))
  )
