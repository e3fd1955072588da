/** What is used of the client of NATS: a module of its own, so that it is loaded when it is needed, and bundled all the same. */
export { connect, credsAuthenticator } from "@nats-io/transport-node"
