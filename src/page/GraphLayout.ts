/** Where the nodes and edges of a graph are drawn. */
import { graphlib, layout } from "@dagrejs/dagre"

/** A node, of a size in pixels. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A graph that is laid out. Coordinates are in pixels, those of a box of its left upper corner. */
export interface GraphLayout {
  readonly width: number
  readonly height: number
  readonly boxes: ReadonlyArray<Box>
  /** The points of each edge. */
  readonly edges: ReadonlyArray<ReadonlyArray<{ readonly x: number; readonly y: number }>>
}

/** The size of a node. */
export const nodeSize = { width: 200, height: 56 } as const

/** The margin around the graph. */
const margin = 16

/** Lays out a graph from left to right: `count` nodes, and edges between their places. */
export const of = (count: number, edges: ReadonlyArray<readonly [from: number, to: number]>): GraphLayout => {
  const graph = new graphlib.Graph()
  graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 48, marginx: margin, marginy: margin })
  graph.setDefaultEdgeLabel(() => ({}))
  for (let node = 0; node < count; node += 1) graph.setNode(String(node), { ...nodeSize })
  for (const [from, to] of edges) graph.setEdge(String(from), String(to))
  layout(graph)
  const { height = 0, width = 0 } = graph.graph()
  return {
    width: Number.isFinite(width) ? width : 0,
    height: Number.isFinite(height) ? height : 0,
    boxes: Array.from({ length: count }, (_, node) => {
      const { x, y } = graph.node(String(node))
      return { x: x - nodeSize.width / 2, y: y - nodeSize.height / 2, ...nodeSize }
    }),
    edges: edges.map(([from, to]) => graph.edge(String(from), String(to)).points ?? [])
  }
}

/** The points of an edge as a path of SVG. */
export const pathOf = (points: GraphLayout["edges"][number]): string =>
  points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)},${y.toFixed(1)}`).join(" ")
