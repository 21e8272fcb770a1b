// HAProxy, forward authentication through its own HTTP client in Lua (proxy.md §14.6), and the Lua file.
import type { RecipeSite } from './recipe.ts';

export function haproxy({ listen, outpost, application }: RecipeSite): string {
  const bind = listen.includes(':') ? listen : `:${listen}`;
  return `global
    lua-load ak-auth.lua
    # Room for the identity headers beside a body that is already in the buffer.
    tune.bufsize 65536
    tune.maxrewrite 16384
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
    timeout tunnel 1h
frontend web
    bind ${bind}
    acl ak_path path_beg /outpost.goauthentik.io/
    # A path that climbs out of the prefix is no path of the outpost.
    acl ak_dots path_reg -i (\\.|%2e)(\\.|%2e)
    http-request del-header x-authentik- -m beg
    http-request del-header x_authentik_ -m beg
    http-request del-header x-forwarded- -m beg
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header X-Forwarded-Proto https if { ssl_fc }
    http-request set-header X-Forwarded-Proto http if !{ ssl_fc }
    http-request lua.ak_auth unless ak_path !ak_dots
    http-after-response add-header set-cookie %[var(txn.ak_cookie)] if { var(txn.ak_cookie) -m found }
    use_backend outpost if ak_path !ak_dots
    default_backend app
backend outpost
    option forwardfor
    option httpchk GET /outpost.goauthentik.io/ping
    http-check expect status 204
    server o1 ${outpost} check
backend app
    option forwardfor
    server a1 ${application}
`;
}

/** `ak-auth.lua`, beside the configuration. */
export function haproxyLua({ outpost }: RecipeSite): string {
  return `-- Asks the outpost about every request, and carries out its answer.
local AUTH = "http://${outpost}/outpost.goauthentik.io/auth/haproxy"
local DROP = { ["content-length"]=1, ["transfer-encoding"]=1, connection=1, expect=1, te=1, host=1 }
local PASS = { location=1, ["set-cookie"]=1, ["content-type"]=1, ["www-authenticate"]=1, ["cache-control"]=1,
               ["retry-after"]=1, ["x-outpost-location"]=1 }

local function list(values) local out = {}; for _, v in pairs(values) do out[#out + 1] = v end; return out end

core.register_action("ak_auth", { "http-req" }, function(txn)
  local incoming, hdr = txn.http:req_get_headers(), {}
  for name, values in pairs(incoming) do
    if not DROP[name] and name:sub(1, 12) ~= "x-forwarded-" and name:sub(1, 12) ~= "x-authentik-" then hdr[name] = list(values) end
  end
  -- The sub-request is no upgrade itself; the outpost only needs to know that the original is one.
  hdr["upgrade"] = nil
  if incoming["upgrade"] then hdr["sec-fetch-mode"] = { "websocket" } end
  local host = incoming["host"] and list(incoming["host"])[1] or ""
  hdr["host"], hdr["x-forwarded-host"] = { host }, { host }
  hdr["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" }
  hdr["x-forwarded-method"], hdr["x-forwarded-uri"] = { txn.f:method() }, { txn.f:pathq() }
  hdr["x-forwarded-for"] = { txn.f:src() }
  local res = core.httpclient():get({ url = AUTH, headers = hdr, timeout = 5000 })
  if not res or not res.status or res.status == 0 then
    return txn:done(txn:reply({ status = 503, reason = "Service Unavailable" }))
  end
  if res.status >= 200 and res.status < 300 then
    for name, values in pairs(res.headers) do
      local v = list(values)[1]
      if name:sub(1, 12) == "x-authentik-" then txn.http:req_set_header(name, v or "") end   -- add: or name == "authorization"
      if name == "set-cookie" then txn:set_var("txn.ak_cookie", v) end
    end
    return
  end
  local out = {}
  for name, values in pairs(res.headers) do if PASS[name] then out[name] = list(values) end end
  txn:done(txn:reply({ status = res.status, headers = out, body = res.body or "" }))
end, 0)
`;
}
