/**
 * Entities by id, in the order of their ids: what a page of a list is cut from.
 */

/** A collection whose pages cost what they return, however many entities there are. */
export class Collection<A extends { readonly id: string }> {
  private readonly items = new Map<string, A>()
  private readonly ids: Array<string> = []

  /** How many entities there are. */
  get size(): number {
    return this.ids.length
  }

  /** The entities in the order in which they were added. */
  get added(): Iterable<A> {
    return this.items.values()
  }

  /** Finds an entity. */
  get(id: string): A | undefined {
    return this.items.get(id)
  }

  /** Adds an entity, or replaces the one that has its id. */
  set(item: A): void {
    if (!this.items.has(item.id)) this.ids.splice(this.position(item.id), 0, item.id)
    this.items.set(item.id, item)
  }

  /** Removes an entity; answers whether it was there. */
  delete(id: string): boolean {
    if (!this.items.delete(id)) return false
    this.ids.splice(this.position(id), 1)
    return true
  }

  /** The entities from `offset` on, in the order of their ids, at most `limit` of them. */
  slice(offset: number, limit: number): ReadonlyArray<A> {
    return this.ids.slice(offset, offset + limit).flatMap((id) => this.items.get(id) ?? [])
  }

  private position(id: string): number {
    let low = 0
    let high = this.ids.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.ids[middle]
      if (other !== undefined && other < id) low = middle + 1
      else high = middle
    }
    return low
  }
}
