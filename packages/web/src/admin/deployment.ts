// What starts an outpost elsewhere: its token and the lines to paste, for Docker, Compose or a shell.
import { html, type TemplateResult } from 'lit';
import type { Api } from '../call/api.ts';
import { copyButton } from '../elements/copy-button.ts';
import { tell } from '../elements/dialog.ts';
import { notice } from '../elements/notice.ts';

export interface DeployedOutpost {
  readonly name: string;
  readonly type: string;
  readonly token_identifier: string;
}

/** Host port to the port inside. */
const ports: Readonly<Record<string, readonly string[]>> = {
  ldap: ['389:3389', '636:6636'],
  radius: ['1812:1812/udp'],
  proxy: ['9000:9000', '9443:9443'],
};

export async function showDeployment(api: Api, outpost: DeployedOutpost): Promise<void> {
  const { key } = await api.get<{ key: string }>(
    `/core/tokens/${encodeURIComponent(outpost.token_identifier)}/view_key/`,
  );
  const host = new URL(api.url('/').replace(/api\/v3\/$/, ''), location.href).href.replace(/\/$/, '');
  const lines = deploymentLines(outpost, host, key);
  await tell(
    `Deploy ${outpost.name}`,
    html`<p>
        The outpost needs the address of this core and its token, nothing else. Whoever has the token can ask for what the
        outpost serves: keep it like a password.
      </p>
      ${host.includes('//localhost') ? notice('warning', 'Replace localhost by a name that the outpost can reach.') : ''}
      ${block('Docker', lines.docker)} ${block('Compose', lines.compose)} ${block('Command line', lines.shell)}`,
    true,
  );
}

export interface DeploymentLines {
  readonly docker: string;
  readonly compose: string;
  readonly shell: string;
}

export function deploymentLines({ type, name }: DeployedOutpost, host: string, token: string): DeploymentLines {
  const mapped = ports[type] ?? [];
  const container = `gatehouse-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
  const env = { AUTHENTIK_HOST: host, AUTHENTIK_INSECURE: 'false', AUTHENTIK_TOKEN: token };
  const pairs = Object.entries(env);
  return {
    docker: [
      `docker run --detach --restart unless-stopped --name ${container}`,
      ...mapped.map((pair) => `--publish ${pair}`),
      ...pairs.map(([key, value]) => `--env ${key}=${value}`),
      `gatehouse/${type}`,
    ].join(' \\\n  '),
    compose: [
      'services:',
      `  ${container}:`,
      `    image: gatehouse/${type}`,
      '    restart: unless-stopped',
      `    ports: [${mapped.map((pair) => `"${pair}"`).join(', ')}]`,
      '    environment:',
      ...pairs.map(([key, value]) => `      ${key}: "${value}"`),
    ].join('\n'),
    shell: [...pairs.map(([key, value]) => `export ${key}=${value}`), `gatehouse ${type}`].join('\n'),
  };
}

function block(title: string, text: string): TemplateResult {
  return html`<section class="gh-paste">
    <div class="gh-head"><h3 class="pf-v6-c-title pf-m-md">${title}</h3>${copyButton(text, 'Copy')}</div>
    <pre tabindex="0" role="region" aria-label=${title}>${text}</pre>
  </section>`;
}
