-- Asks the outpost about every request, and carries out its answer.
local AUTH = "http://127.0.0.1:9000/outpost.goauthentik.io/auth/haproxy"
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
