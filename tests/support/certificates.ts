/**
 * Certificates for tests over TLS: an authority of the test's own, and what it signs. Made by openssl,
 * which is looked for and installed as the other tools are.
 *
 * @module
 */

import { missingCommand } from "./debian.ts";
import { run } from "./install.ts";

/** Answers why there can't be any, undefined if there can. */
export function missingOpenssl(): Promise<string | undefined> {
  return missingCommand("openssl", "openssl", "version");
}

/** Paths of a certificate and its private key, in PEM. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority, in a folder that lives until it is disposed. */
export class Authority implements AsyncDisposable {
  /** Its own certificate. */
  readonly caFile: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.caFile = `${folder}/ca.pem`;
  }

  /** Makes one. */
  static async create(): Promise<Authority> {
    const authority = new Authority(await Deno.makeTempDir({ prefix: "turn-channels-ca-" }));
    await authority.#openssl(
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=test ca"],
      ...["-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "ca.key", "-out", "ca.pem"],
    );
    return authority;
  }

  /** Signs a certificate for a host name, or an IPv4 address. */
  async sign(hostname: string): Promise<Certificate> {
    await this.#openssl(
      ...["req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${hostname}`],
      ...["-keyout", `${hostname}.key`, "-out", `${hostname}.csr`],
    );
    const kind = /^[\d.]+$/.test(hostname) ? "IP" : "DNS";
    const extensions = `subjectAltName=${kind}:${hostname}\nbasicConstraints=CA:FALSE\n`;
    await Deno.writeTextFile(`${this.#folder}/${hostname}.ext`, extensions);
    await this.#openssl(
      ...["x509", "-req", "-in", `${hostname}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-CAcreateserial", "-days", "30", "-extfile", `${hostname}.ext`],
      ...["-out", `${hostname}.pem`],
    );
    const path = `${this.#folder}/${hostname}`;
    return { certFile: `${path}.pem`, keyFile: `${path}.key` };
  }

  /** Removes all that it has made. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #openssl(...args: readonly string[]): Promise<void> {
    const { success, output } = await run("openssl", args, this.#folder);
    if (!success) throw new Error(`openssl ${args[0]} failed: ${output}`);
  }
}
