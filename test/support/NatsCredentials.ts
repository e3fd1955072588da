/** Credentials of a NATS user, and the configuration of a server that knows them: an operator, an account and a user. */
import { createHash } from "node:crypto"
import { nkeys } from "@nats-io/transport-node"

type KeyPair = ReturnType<typeof nkeys.createUser>

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64url")

const base32 = (bytes: Uint8Array) => {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("")
  return (bits.match(/.{1,5}/g) ?? []).map((five) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Number.parseInt(five.padEnd(5, "0"), 2)]).join("")
}

const sign = (issuer: KeyPair, subject: KeyPair, name: string, nats: Readonly<Record<string, unknown>>) => {
  const claims = { iat: 1_600_000_000, iss: issuer.getPublicKey(), name, sub: subject.getPublicKey(), nats: { version: 2, ...nats } }
  const jti = base32(createHash("sha512-256").update(JSON.stringify(claims)).digest())
  const text = `${base64(JSON.stringify({ typ: "JWT", alg: "ed25519-nkey" }))}.${base64(JSON.stringify({ ...claims, jti }))}`
  return `${text}.${base64(issuer.sign(new TextEncoder().encode(text)))}`
}

const unlimited = { subs: -1, data: -1, payload: -1 }

/** Makes them, for a user who can subscribe to these subjects, or to all. */
export const make = (...subscribe: ReadonlyArray<string>) => {
  const operator = nkeys.createOperator()
  const account = nkeys.createAccount()
  const user = nkeys.createUser()
  const operatorJwt = sign(operator, operator, "operator", { type: "operator" })
  const accountJwt = sign(operator, account, "account", {
    type: "account",
    limits: { ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
    default_permissions: { pub: {}, sub: {} }
  })
  const userJwt = sign(account, user, "user", {
    type: "user",
    ...unlimited,
    pub: {},
    sub: subscribe.length === 0 ? {} : { allow: subscribe }
  })
  return {
    configuration: `operator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${accountJwt} }\n`,
    creds: `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n` +
      `-----BEGIN USER NKEY SEED-----\n${new TextDecoder().decode(user.getSeed())}\n------END USER NKEY SEED------\n`
  }
}
