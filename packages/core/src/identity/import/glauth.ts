// A glauth configuration (TOML): its users and groups. The one file that imports the TOML parser.
import { parse } from 'smol-toml';
import { z } from 'zod';
import { keepHash, keepSha256 } from './hashes.ts';
import { type Directory, importFault, type Person } from './people.ts';

const user = z.object({
  name: z.string(),
  givenname: z.string().optional(),
  sn: z.string().optional(),
  mail: z.string().default(''),
  unixid: z.number().optional(),
  uidnumber: z.number().optional(),
  primarygroup: z.number().optional(),
  othergroups: z.array(z.number()).default([]),
  disabled: z.boolean().default(false),
  homeDir: z.string().optional(),
  loginShell: z.string().optional(),
  passsha256: z.string().optional(),
  passbcrypt: z.string().optional(),
  sshkeys: z.array(z.string()).optional(),
});
const group = z.object({
  name: z.string(),
  unixid: z.number().optional(),
  gidnumber: z.number().optional(),
  includegroups: z.array(z.number()).default([]),
});
const configuration = z.object({ users: z.array(user).default([]), groups: z.array(group).default([]) });
type Group = z.infer<typeof group>;

/** @throws GatewayError `ERR_CORE_IMPORT` */
export function readGlauth(text: string): Directory {
  const { users, groups } = readConfiguration(text);
  const warnings: string[] = [];
  const gid = ({ gidnumber, unixid }: Group) => gidnumber ?? unixid;
  const named = (number: number | undefined) => groups.find((one) => number !== undefined && gid(one) === number)?.name;
  return {
    people: users.map((one) => personOf(one, named, warnings)),
    groups: groups.map((one) => ({
      name: one.name,
      attributes: gid(one) === undefined ? {} : { gidNumber: gid(one) },
      // A group that includes others has their members: it is above them.
      parents: groups.filter((other) => other.includegroups.includes(gid(one) ?? -1)).map(({ name }) => name),
    })),
    warnings,
  };
}

function readConfiguration(text: string) {
  try {
    return configuration.parse(parse(text));
  } catch (error) {
    throw importFault(error instanceof z.ZodError ? z.prettifyError(error) : String(error), 'glauth configuration');
  }
}

function personOf(
  one: z.infer<typeof user>,
  named: (gid: number | undefined) => string | undefined,
  warnings: string[],
): Person {
  const { name, passbcrypt, passsha256, givenname, sn } = one;
  const bcrypt = passbcrypt === undefined ? undefined : keepHash(Buffer.from(passbcrypt, 'hex').toString('utf8'));
  const password = bcrypt ?? (passsha256 === undefined ? undefined : keepSha256(passsha256));
  if (password === undefined) warnings.push(`${name}: there is no hash of a password that can be kept`);
  const uid = one.uidnumber ?? one.unixid;
  const full = [givenname, sn].filter((part) => part !== undefined && part !== '').join(' ');
  const attributes = {
    uidNumber: uid,
    gidNumber: one.primarygroup,
    homeDirectory: one.homeDir,
    loginShell: one.loginShell,
    givenName: givenname,
    sn,
    sshPublicKey: one.sshkeys,
  };
  return {
    username: name,
    name: full === '' ? name : full,
    email: one.mail,
    isActive: !one.disabled,
    password,
    groups: [one.primarygroup, ...one.othergroups].flatMap((gid) => named(gid) ?? []),
    attributes: Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)),
  };
}
