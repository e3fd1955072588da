/** Whole numbers as people read them. `Intl` writes the same, and takes some milliseconds to be ready. */

/**
 * Writes a whole number with its thousands apart.
 *
 * @example grouped(12345) // "12,345"
 */
export const grouped = (number: number): string => String(number).replace(/\B(?=(?:\d{3})+$)/g, ",")
