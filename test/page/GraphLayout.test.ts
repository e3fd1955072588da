import { assert, describe, it } from "@effect/vitest"
import * as GraphLayout from "../../src/page/GraphLayout.ts"

describe.concurrent("GraphLayout", () => {
  it("places what waits to the right of what it waits for, and no two nodes on each other", () => {
    const edges = [[0, 1], [0, 2], [1, 3], [2, 3]] as const
    const { boxes, edges: lines, height, width } = GraphLayout.of(4, edges)
    for (const [from, to] of edges) assert.isBelow((boxes[from]?.x ?? 0) + GraphLayout.nodeSize.width, boxes[to]?.x ?? 0)
    const [, one, two] = boxes
    assert.isAtLeast(Math.abs((one?.y ?? 0) - (two?.y ?? 0)), GraphLayout.nodeSize.height)
    for (const box of boxes) assert.isTrue(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height)
    assert.match(GraphLayout.pathOf(lines[0] ?? []), /^M[\d.]+,[\d.]+( L[\d.]+,[\d.]+)+$/)
  })

  it("is empty where there is nothing", () => {
    assert.deepInclude(GraphLayout.of(0, []), { boxes: [], edges: [] })
  })
})
