// Two signed cookies that a login leaves in the browser (core.md §12.6): the device is known, and a second factor was shown
// there. Their keys are drawn from the installation and the stage, so that another stage's cookie opens nothing.
import { createHash } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';

export const knownDeviceCookie = 'authentik_device';
export const secondFactorCookie = 'authentik_mfa';

const keyOf = ({ installationId }: CoreDeps, stage: string) =>
  createHash('sha256')
    .update(`${installationId}:${hex(stage)}`)
    .digest();
const hex = (stage: string) => stage.replaceAll('-', '');

/** @param lifeMs how long the browser keeps it */
export function signKnownDevice(deps: CoreDeps, stage: string, uid: string, lifeMs: number): Promise<string> {
  return sign(deps, stage, { sub: uid }, lifeMs);
}

export async function isKnownDevice(deps: CoreDeps, stage: string, value: string, uid: string): Promise<boolean> {
  return (await verify(deps, stage, value))?.['sub'] === uid;
}

/** The device that was used, and when the proof runs out. */
export function signSecondFactor(deps: CoreDeps, stage: string, device: number, lifeMs: number): Promise<string> {
  return sign(deps, stage, { device, stage: hex(stage) }, lifeMs);
}

export async function secondFactorOf(deps: CoreDeps, stage: string, value: string): Promise<number | undefined> {
  const claims = z.object({ device: z.number(), stage: z.literal(hex(stage)) });
  return claims.safeParse(await verify(deps, stage, value)).data?.device;
}

function sign(deps: CoreDeps, stage: string, claims: Record<string, unknown>, lifeMs: number): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setExpirationTime(Math.floor((deps.clock.now() + lifeMs) / 1000))
    .sign(keyOf(deps, stage));
}

async function verify(deps: CoreDeps, stage: string, value: string): Promise<Record<string, unknown> | undefined> {
  try {
    const options = { algorithms: ['HS256'], requiredClaims: ['exp'], currentDate: new Date(deps.clock.now()) };
    return (await jwtVerify(value, keyOf(deps, stage), options)).payload;
  } catch {
    return undefined; // forged, expired, or of another stage
  }
}
