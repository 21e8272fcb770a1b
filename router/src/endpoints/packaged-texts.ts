// robots.txt and security.txt (router.md §6 rules 9 and 10, R23): generated, so that Expires always lies in the future.

export const robotsText = 'User-agent: *\nDisallow: /\n';

const validDays = 180;

/** RFC 9116 §2.5: Contact and Expires are required. */
export function securityText(contact: string, nowMs: number): string {
  const expires = new Date(nowMs + validDays * 86_400_000).toISOString().replace(/\.\d{3}Z$/, 'Z');
  return `Contact: ${contact}\nExpires: ${expires}\nPreferred-Languages: en\n`;
}
