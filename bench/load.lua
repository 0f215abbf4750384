-- Sends prepared requests in turn and counts answers that are no success.
-- With PREPARED=1 wrk sends one request it holds as bytes, and reads no answer closer than its end.
-- The file of arguments sets: method, path, headers, body, count, first, mark.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local load = dofile(args[1])
  if os.getenv("PREPARED") then
    wrk.method, wrk.path, wrk.body = load.method, load.path, load.body
    for name, value in pairs(load.headers) do wrk.headers[name] = value end
    return
  end
  mark, bad, sample, prepared, at = load.mark, 0, nil, {}, 0
  for number = load.first, load.first + load.count - 1 do
    local digits = string.format("%06d", number)
    local headers = {}
    for name, value in pairs(load.headers) do
      headers[name] = (string.gsub(value, "@@@@@@", digits))
    end
    local body = load.body and (string.gsub(load.body, "@@@@@@", digits)) or nil
    table.insert(prepared, wrk.format(load.method, (string.gsub(load.path, "@@@@@@", digits)), headers, body))
  end
end

if not os.getenv("PREPARED") then
  function request()
    at = at % #prepared + 1
    return prepared[at]
  end

  function response(status, headers, body)
    if status >= 300 or not string.find(body, mark, 1, true) then
      bad = bad + 1
      if not sample then sample = status .. " " .. string.sub(body, 1, 300) end
    end
  end
end

function done(summary, latency, requests)
  local bad, sample = 0, ""
  for _, thread in ipairs(threads) do
    bad = bad + (thread:get("bad") or 0)
    sample = thread:get("sample") or sample
  end
  local errors = summary.errors
  io.write(string.format("\nRESULT %d %d %d %d %d\n%s\n", summary.requests, summary.duration,
    latency:percentile(50), bad, errors.connect + errors.read + errors.write + errors.timeout, sample))
end
