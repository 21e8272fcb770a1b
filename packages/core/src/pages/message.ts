// A page that only says something, for visitors who cannot be sent anywhere: no script of its own, the brand's look.
import { randomBytes } from 'node:crypto';
import { loadManifest } from '@gatehouse/web/manifest';
import type { ApiReply } from '../api/request.ts';
import type { CoreDeps } from '../deps.ts';
import { escapeHtml, head, policy } from './document.ts';
import { lookOf } from './look.ts';

export interface Message {
  readonly status: number;
  readonly title: string;
  readonly text: string;
}

/** Works without the built pages, too; it is only less pretty then. */
export async function messagePage(deps: CoreDeps, reply: ApiReply, { status, title, text }: Message) {
  const { host = '' } = reply.request.headers;
  const [look, manifest] = await Promise.all([lookOf(deps, host), loadManifest()]);
  const nonce = randomBytes(16).toString('base64');
  const { theme = '', pages } = manifest ?? {};
  const opening = head({ look, title, theme, styles: pages?.flow.styles ?? [], nonce });
  return reply
    .code(status)
    .header('Content-Security-Policy', policy(nonce, false))
    .header('X-Frame-Options', 'DENY')
    .header('Cache-Control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(`${opening}
</head>
<body>
<div class="gh-flow" data-layout="stacked">
<main class="gh-flow__card">
<header class="gh-flow__head"><img class="gh-flow__logo" src="${escapeHtml(look.brand.logo)}" alt="${escapeHtml(look.brand.title)}"></header>
<div class="gh-outcome">
<h1 class="pf-v6-c-title pf-m-xl">${escapeHtml(title)}</h1>
<p>${escapeHtml(text)}</p>
<p class="gh-quiet">Request <code>${escapeHtml(reply.request.id)}</code></p>
<div class="gh-outcome__actions"><a class="pf-v6-c-button pf-m-primary pf-m-block" href="${escapeHtml(look.base)}if/user/">My applications</a></div>
</div>
</main>
</div>
</body>
</html>
`);
}
