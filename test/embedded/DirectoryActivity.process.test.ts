import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as DirectoryActivity from "../../src/embedded/DirectoryActivity.ts"

const scratch = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/telemachy-activity-`)),
  (directory) => Effect.sync(() => rmSync(directory, { force: true, recursive: true }))
)

/** Whether something that is done in a directory is seen there. The clock of the file system moves on before. */
const isSeen = (directory: string, change: () => void, most?: number) =>
  Effect.gen(function*() {
    const before = yield* DirectoryActivity.latest(directory, most)
    yield* Effect.promise(() => setTimeout(20))
    change()
    const after = yield* DirectoryActivity.latest(directory, most)
    assert.isTrue(before !== undefined && after !== undefined && after >= before)
    return after !== before
  })

describe("DirectoryActivity", () => {
  it.scopedLive("sees what is written, made, removed, renamed and allowed, however deep, and whatever time a file claims to have", () =>
    Effect.gen(function*() {
      const root = yield* scratch
      const deep = `${root}/a/b/c`
      mkdirSync(deep, { recursive: true })
      mkdirSync(`${root}/node_modules/dependency`, { recursive: true })
      mkdirSync(`${root}/.git/objects/ab`, { recursive: true })
      writeFileSync(`${deep}/file`, "one")
      const changes: ReadonlyArray<() => void> = [
        () => writeFileSync(`${deep}/file`, "two"),
        () => utimesSync(`${deep}/file`, 1, 1),
        () => chmodSync(`${deep}/file`, 0o600),
        () => rmSync(`${deep}/file`),
        () => symlinkSync("/", `${deep}/link`),
        () => writeFileSync(`${root}/.git/HEAD`, "ref: refs/heads/main"),
        () => writeFileSync(`${root}/.git/objects/ab/cdef`, ""),
        () => writeFileSync(`${root}/node_modules/dependency/index.js`, "")
      ]
      for (const change of changes) assert.isTrue(yield* isSeen(root, change), String(change))
      assert.isFalse(yield* isSeen(root, () => {}))
    }))

  it.scopedLive("sees a commit in a worktree, whose repository is elsewhere", () =>
    Effect.gen(function*() {
      const [root, repository] = [yield* scratch, yield* scratch]
      mkdirSync(`${repository}/.git/worktrees/one`, { recursive: true })
      writeFileSync(`${root}/.git`, `gitdir: ${repository}/.git/worktrees/one\n`)
      assert.isTrue(yield* isSeen(root, () => writeFileSync(`${repository}/.git/worktrees/one/index`, "")))
      assert.isFalse(yield* isSeen(root, () => writeFileSync(`${repository}/.git/index`, "")))
    }))

  it.scopedLive("does not take what Telemachy writes, or what a link leads to, for a sign", () =>
    Effect.gen(function*() {
      const [root, elsewhere] = [yield* scratch, yield* scratch]
      for (const own of [".telemachy", "telemachy-tasks-1"]) mkdirSync(`${root}/${own}`)
      symlinkSync(elsewhere, `${root}/link`)
      for (const place of [`${root}/.telemachy`, `${root}/telemachy-tasks-1`, elsewhere]) {
        assert.isFalse(yield* isSeen(root, () => writeFileSync(`${place}/file`, "")), place)
      }
    }))

  it.scopedLive("looks at so many entries and no more, at dependencies last, and at a directory that is gone in vain", () =>
    Effect.gen(function*() {
      const root = yield* scratch
      mkdirSync(`${root}/src/deep`, { recursive: true })
      mkdirSync(`${root}/node_modules`)
      writeFileSync(`${root}/src/deep/file`, "")
      const most = 100
      for (let number = 0; number < most; number += 1) writeFileSync(`${root}/node_modules/${number}`, "")
      assert.isTrue(yield* isSeen(root, () => writeFileSync(`${root}/src/deep/file`, ""), most))
      renameSync(`${root}/node_modules`, `${root}/many`)
      assert.isFalse(yield* isSeen(root, () => writeFileSync(`${root}/src/deep/file`, ""), most))
      assert.isUndefined(yield* DirectoryActivity.latest(`${root}/none`))
    }))
})
