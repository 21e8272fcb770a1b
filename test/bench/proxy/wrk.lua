-- What wrk has measured, as one line of JSON; latencies in microseconds.
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"answers":%d,"us":%d,"p50Us":%d,"p99Us":%d,"failed":%d}\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
