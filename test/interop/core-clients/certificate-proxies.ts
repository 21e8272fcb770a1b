// What stands in front of the core and takes client certificates, each as its manual says: nginx, Traefik, Envoy, our router.
// Used by client-certificates.test.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { until } from '../../harness/index.ts';

export interface Front {
  readonly port: number;
  readonly corePort: number;
  /** Files of its own certificate and key, and of the authority of clients. */
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

export interface CertificateProxy {
  readonly name: 'nginx' | 'traefik' | 'envoy';
  /** @returns arguments */
  readonly write: (folder: string, front: Front) => Promise<readonly string[]>;
}

export const certificateProxies: readonly CertificateProxy[] = [
  {
    name: 'nginx',
    async write(folder, { port, corePort, certificate, key, ca }) {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${folder}/${name};`,
      );
      const text = `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn; events { }
http { access_log off; ${temporary.join(' ')}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    ssl_client_certificate ${ca};
    ssl_verify_client optional;
    location / {
      proxy_pass http://127.0.0.1:${corePort};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header ssl-client-cert $ssl_client_escaped_cert;
      proxy_set_header X-Forwarded-Client-Cert "";
      proxy_set_header X-Forwarded-TLS-Client-Cert "";
    }
  }
}
`;
      await writeFile(join(folder, 'nginx.conf'), text);
      return ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')];
    },
  },
  {
    name: 'traefik',
    async write(folder, { port, corePort, certificate, key, ca }) {
      const text = `tls:
  certificates: [{ certFile: ${certificate}, keyFile: ${key} }]
  options: { default: { clientAuth: { caFiles: [${ca}], clientAuthType: VerifyClientCertIfGiven } } }
http:
  middlewares:
    certificate: { passTLSClientCert: { pem: true } }
    others: { headers: { customRequestHeaders: { ssl-client-cert: "", X-Forwarded-Client-Cert: "" } } }
  routers: { all: { rule: "PathPrefix(\`/\`)", tls: {}, middlewares: [others, certificate], service: core } }
  services: { core: { loadBalancer: { servers: [{ url: "http://127.0.0.1:${corePort}" }] } } }
`;
      await writeFile(join(folder, 'dynamic.yaml'), text);
      return [
        `--entryPoints.web.address=127.0.0.1:${port}`,
        `--providers.file.filename=${join(folder, 'dynamic.yaml')}`,
        '--global.checkNewVersion=false',
        '--global.sendAnonymousUsage=false',
        '--log.level=WARN',
      ];
    },
  },
  {
    name: 'envoy',
    async write(folder, { port, corePort, certificate, key, ca }) {
      const at = (number: number) => `{ socket_address: { address: 127.0.0.1, port_value: ${number} } }`;
      const type = 'type.googleapis.com/envoy.extensions';
      const text = `static_resources:
  listeners:
  - address: ${at(port)}
    filter_chains:
    - transport_socket:
        name: tls
        typed_config:
          "@type": ${type}.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_certificates: [{ certificate_chain: { filename: ${certificate} }, private_key: { filename: ${key} } }]
            validation_context: { trusted_ca: { filename: ${ca} } }
      filters:
      - name: http
        typed_config:
          "@type": ${type}.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          forward_client_cert_details: SANITIZE_SET
          set_current_client_cert_details: { subject: true, cert: true, chain: true }
          http_filters: [{ name: router, typed_config: { "@type": ${type}.filters.http.router.v3.Router } }]
          route_config:
            request_headers_to_remove: [ssl-client-cert, x-forwarded-tls-client-cert]
            virtual_hosts: [{ name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: core } }] }]
  clusters:
  - { name: core, connect_timeout: 5s, load_assignment: { cluster_name: core, endpoints: [{ lb_endpoints: [{ endpoint: { address: ${at(corePort)} } }] }] } }
`;
      await writeFile(join(folder, 'envoy.yaml'), text);
      const words = ['--use-dynamic-base-id', '--concurrency', '1', '--log-level', 'warn'];
      return ['--config-path', join(folder, 'envoy.yaml'), ...words];
    },
  },
];

/** Waits until it accepts connections. @throws with its own complaints when it does not */
export async function startCertificateProxy({ name, write }: CertificateProxy, front: Front): Promise<AsyncDisposable> {
  const folder = await temporaryFolder();
  const child = spawn(name, await write(folder.path, front), { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const ended = once(child, 'close').catch(() => undefined);
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await ended;
    clearTimeout(late);
    await folder[Symbol.asyncDispose]();
  };
  try {
    await until(() => accepts(front.port), 60_000);
  } catch (cause) {
    await stop();
    throw new Error(`${name} does not listen: ${output.slice(-3000)}`, { cause });
  }
  return { [Symbol.asyncDispose]: stop };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    const end = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}
