/** The workspaces that runs have on this machine, whatever became of the runs. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as LocalWorkspaces from "../embedded/workspace/LocalWorkspaces.ts"
import * as RunId from "../run/RunId.ts"
import * as HomeDirectory from "../settings/HomeDirectory.ts"

const decodeId = Schema.decodeUnknownOption(RunId.RunId)

/** The runs that have workspaces here: each has a directory that is called as it is. Where there is no home, there are none. */
export const runs = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const names = yield* Effect.flatMap(HomeDirectory.expand(LocalWorkspaces.defaultDirectory), (root) => files.readDirectory(root))
  return names.flatMap((name) => Option.toArray(decodeId(name)))
}).pipe(Effect.orElseSucceed((): ReadonlyArray<RunId.RunId> => []))
