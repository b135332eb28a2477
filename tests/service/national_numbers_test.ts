import assert from "node:assert/strict";
import fc from "fast-check";
import { getCountries } from "libphonenumber-js/min";
import { inForm } from "../../src/bridge/address_forms.ts";
import { UserAddresses, userKey } from "../../src/cache/mod.ts";
import { nationalNumbersOf } from "../../src/service/national_numbers.ts";
import { faults } from "../config/support.ts";

async function addressesOf(default_country: string | undefined): Promise<UserAddresses> {
  return new UserAddresses(await nationalNumbersOf({ default_country }));
}

/** Addresses on a channel with this country, and their international form, if they have one. */
const NUMBERS: readonly (readonly [string | undefined, address: string, string | undefined])[] = [
  ["ZA", "0821234567", "+27821234567"],
  ["ZA", "082 123-4567", "+27821234567"],
  ["ZA", "821234567", "+27821234567"],
  ["ZA", "27821234567", "+27821234567"],
  ["ZA", "+27821234567", "+27821234567"],
  ["ZA", "+27 82 123 4567", "+27821234567"],
  ["ZA", "0027821234567", "+27821234567"],
  ["ZA", "00447400123456", "+447400123456"],
  // Another country's, with the + left out.
  ["ZA", "26658123456", "+26658123456"],
  ["ZA", "258841234567", "+258841234567"],
  // It can't be one of these, and may still be one.
  ["ZA", "26612345678", "+26612345678"],
  // Countries without a 0 before national numbers.
  ["MZ", "841234567", "+258841234567"],
  ["MZ", "258841234567", "+258841234567"],
  ["LS", "58123456", "+26658123456"],
  ["US", "2015550123", "+12015550123"],
  ["US", "12015550123", "+12015550123"],
  ["IT", "3123456789", "+393123456789"],
  ["KE", "0712345678", "+254712345678"],
  ["KE", "254712345678", "+254712345678"],
  // German numbers may have many lengths.
  ["DE", "015123456789", "+4915123456789"],
  ["DE", "4915123456789", "+4915123456789"],
  ["DE", "27821234567", "+27821234567"],
  [undefined, "0821234567", undefined],
  [undefined, "27821234567", "+27821234567"],
  [undefined, "+27821234567", "+27821234567"],
  ...["8110", "*120*8864#", "*120*0821234567#", "112", "10111", "0123", "MyClinic", "", "+2782"]
    .flatMap((code) => [["ZA", code, undefined], [undefined, code, undefined]] as const),
  ["ZA", "0821234567890123456789", undefined],
  ["ZA", "call 0821234567", undefined],
];

for (const [country, address, expected] of NUMBERS) {
  Deno.test(`${JSON.stringify(address)} with default_country ${country} is ${expected ?? "no number"}`, async () => {
    const addresses = await addressesOf(country);
    assert.equal(inForm(address, "as_is", addresses), address);
    assert.equal(inForm(address, "e164", addresses), expected ?? address);
    assert.equal(inForm(address, "digits", addresses), expected?.slice(1) ?? address);
    if (expected === undefined) assert.equal(addresses.key(address), userKey(address));
    else assert.equal(addresses.key(address), addresses.key(expected));
  });
}

Deno.test("addresses are read in one way, however often and in which order", async () => {
  const addresses = await addressesOf("ZA");
  const digits = fc.stringMatching(/^\+?[0-9]{0,17}$/);
  fc.assert(fc.property(fc.oneof(digits, fc.string()), (address) => {
    const form = inForm(address, "e164", addresses);
    assert.equal(inForm(address, "e164", addresses), form);
    // What has the form keeps it.
    assert.equal(inForm(form, "e164", addresses), form);
    assert.equal(addresses.key(form), addresses.key(address));
  }));
});

Deno.test("users keep the keys that they have, whose addresses are international, and all without a country", async () => {
  const [none, country] = [await addressesOf(undefined), await addressesOf("ZA")];
  fc.assert(fc.property(fc.string({ unit: "binary" }), (address) => {
    assert.equal(none.key(address), userKey(address));
  }));
  fc.assert(fc.property(fc.stringMatching(/^\+[1-9][0-9]{6,14}$/), (address) => {
    for (const each of [none, country]) assert.equal(each.key(address), address.slice(1));
  }));
});

Deno.test("default_country takes each country that has rules, and no other", async () => {
  const all = getCountries();
  assert.ok(all.length > 200);
  for (const country of all) {
    assert.ok(await nationalNumbersOf({ default_country: country }));
    assert.deepEqual(await faults({ env: { DEFAULT_COUNTRY: country } }), []);
  }
  const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));
  const others = letters.flatMap((first) => letters.map((second) => `${first}${second}`))
    .filter((code) => !all.some((country) => country === code));
  for (const code of others) {
    const [fault] = await faults({ env: { DEFAULT_COUNTRY: code } });
    assert.equal(fault?.key, "default_country", code);
  }
});
