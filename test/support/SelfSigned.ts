/** A certificate for 127.0.0.1 that nobody else has signed, made of nothing but Node: X.509 in DER, written out. */
import { generateKeyPairSync, sign } from "node:crypto"

/** What a TLS server needs. */
export interface SelfSigned {
  readonly cert: string
  readonly key: string
}

const der = (tag: number, ...contents: ReadonlyArray<Uint8Array>): Buffer => {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const hex = (text: string) => Buffer.from(text, "hex")
const sequence = (...contents: ReadonlyArray<Uint8Array>) => der(0x30, ...contents)
const identifier = (value: string) => der(0x06, hex(value))
const time = (value: string) => der(0x17, Buffer.from(value))

const ecdsaWithSha256 = sequence(identifier("2a8648ce3d040302"))
const name = sequence(der(0x31, sequence(identifier("550403"), der(0x0c, Buffer.from("telemachy test")))))
const subjectAltName = (address: ReadonlyArray<number>) =>
  sequence(
    identifier("551d11"),
    der(0x04, sequence(der(0x87, Buffer.from(address))))
  )

/** Makes a certificate and its key. It is good until the end of a year, for an address. */
export const make = ({ address = [127, 0, 0, 1], lastYear = 2049 } = {}): SelfSigned => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
  const body = sequence(
    der(0xa0, der(0x02, hex("02"))),
    der(0x02, hex("01")),
    ecdsaWithSha256,
    name,
    sequence(time("200101000000Z"), time(`${String(lastYear).slice(2)}1231235959Z`)),
    name,
    publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(subjectAltName(address)))
  )
  const signature = der(0x03, hex("00"), sign("sha256", body, privateKey))
  const certificate = sequence(body, ecdsaWithSha256, signature).toString("base64")
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: "pem", type: "pkcs8" }).toString()
  }
}
