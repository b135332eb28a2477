// The files of `amqp.tls`. They are read with the rest of the configuration, so that one that can't be
// used is a fault of the configuration and not a failed connection.

import type { Fault } from "./faults.ts";
import { faultOf, type Setting } from "./layers.ts";
import { type ReadFile, readText } from "./text_file.ts";

/** The files' contents, as PEM. */
export interface TlsFiles {
  /** Certificates of trusted authorities. */
  readonly ca?: string;
  /** The client's certificate, with intermediate ones. */
  readonly cert?: string;
  /** Its private key. */
  readonly key?: string;
}

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----\s([A-Za-z0-9+/=\s]+)-----END \1-----/g;

export async function readTlsFiles(settings: readonly Setting[], readFile: ReadFile) {
  const faults: Fault[] = [];
  const named = (name: string): Setting | undefined =>
    settings.find(({ key, value }) => key.path === `amqp.tls.${name}` && value);
  const [ca, cert, key] = [named("ca_file"), named("cert_file"), named("key_file")];
  const read = async (setting: Setting | undefined, wanted: RegExp, expected: string) => {
    if (typeof setting?.value !== "string") return undefined; // Another type is a fault of the schema's.
    const file = await readText(setting.value, readFile);
    const text = file.kind === "ok" ? blocks(file.text, wanted) : "";
    if (text === "") faults.push(faultOf(setting, file.kind === "ok" ? expected : file.expected));
    return text || undefined;
  };
  const texts = {
    ca: await read(ca, CERTIFICATE, CERTIFICATE_EXPECTED),
    cert: await read(cert, CERTIFICATE, CERTIFICATE_EXPECTED),
    key: key || !cert ? await read(key, KEY, KEY_EXPECTED) : await read(cert, KEY, NO_KEY),
  };
  if (key && !cert) {
    faults.push(faultOf(key, "amqp.tls.cert_file beside it: the key's certificate"));
  }
  const files: TlsFiles = Object.fromEntries(Object.entries(texts).filter(([, text]) => text));
  // The first fault of each file.
  const firsts = faults.filter(({ key }, at) => faults.findIndex((one) => one.key === key) === at);
  return { files, faults: firsts };
}

const CERTIFICATE = /^(X509 )?CERTIFICATE$/;
const CERTIFICATE_EXPECTED = "a file with a certificate as PEM (-----BEGIN CERTIFICATE-----)";
const KEY = /^((RSA|EC) )?PRIVATE KEY$/;
const KEY_EXPECTED = "a file with a private key as PEM (-----BEGIN PRIVATE KEY-----), " +
  "which no passphrase protects";
const NO_KEY = "amqp.tls.key_file beside it, or the private key, without a passphrase, in it too";

/** The blocks of a PEM file whose label matches. */
function blocks(text: string, wanted: RegExp): string {
  return [...text.matchAll(PEM)]
    .filter(([, label = ""]) => wanted.test(label))
    .map(([block]) => `${block}\n`)
    .join("");
}
