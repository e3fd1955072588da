/** What an Agamemnon says that it is, in the header `Server` of its answers. That of its own repository says nothing. */

/** The embedded one, which answers on a kept connection as fast as on a new one, and has no threads that it could hold. */
export const embedded = "Telemachy"
