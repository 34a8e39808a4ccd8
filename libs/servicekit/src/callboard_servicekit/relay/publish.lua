-- Puts one event into a channel: guard, offset, stream and PUBLISH in one step, so that retries, sweeps and two
-- producers can neither double nor reorder it. With an empty body it only tells where the channel stands.
--
-- KEYS  1 meta hash of the channel, 2 its stream; if guarded 3 the guard; for log lines 4 the execution's stream
-- ARGV  1 run id of this Redis as the caller's connection knows it, 2 an epoch to use if one is needed,
--       3 entries a stream keeps, 4 its life in ms, 5 life of meta and guard in ms (longer than 4),
--       6 the event's JSON without its opening brace, 7 sequence number under the guard (0 = unguarded),
--       8 "1": all before is out, go on from here whatever the guard knows of it, 9 attempt and 10 last line for KEYS[4]
-- Returns {"published" | "repeated" | "at", epoch, offset}, or {"behind", epoch, last known sequence (0 = none)}

local meta, stream, guard, log = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local run_id, max_length, stream_life, meta_life = ARGV[1], ARGV[3], ARGV[4], ARGV[5]
local body, sequence, is_base = ARGV[6], tonumber(ARGV[7]), ARGV[8] == "1"

local known = redis.call("HMGET", meta, "epoch", "run_id", "offset")
local epoch, offset = known[1], tonumber(known[3])
if not epoch or known[2] ~= run_id then
  -- A new incarnation may have come back from an old snapshot: its offsets have been used before.
  epoch, offset = ARGV[2], 0
  redis.call("HSET", meta, "epoch", epoch, "run_id", run_id, "offset", 0)
  redis.call("DEL", stream)
end
if body == "" then
  redis.call("PEXPIRE", meta, meta_life)
  return {"at", epoch, offset}
end

local follows = false
if sequence > 0 then
  local guarded_epoch, last, at = string.match(redis.call("GET", guard) or "", "^(%w+):(%d+):(%d+)$")
  last = guarded_epoch == epoch and tonumber(last) or 0
  if sequence <= last then
    return {"repeated", epoch, tonumber(at)}
  elseif sequence > last + 1 and not is_base then
    return {"behind", epoch, last}
  end
  follows = last > 0 and sequence == last + 1
end

local function append(key, id, position)
  local event = '{"v":1,"position":"' .. position .. '",' .. body
  redis.call("XADD", key, "MAXLEN", "~", max_length, id, "e", event)
  redis.call("PEXPIRE", key, stream_life)
  redis.call("PUBLISH", key, event)
end

-- Redis refuses for lack of memory at a script's first write only, and only a command that takes memory: this one.
redis.call("HSET", meta, "run_id", run_id)
redis.call("PEXPIRE", meta, meta_life)
if log then
  if not follows then
    redis.call("DEL", log) -- what it held may not be what comes just before this
  end
  -- Before the offset: Redis refuses a place that is not after the last one, and an offset taken by then would be a hole.
  append(log, ARGV[9] .. "-" .. ARGV[10], ARGV[9] .. ":" .. ARGV[10])
end
offset = redis.call("HINCRBY", meta, "offset", 1)
append(stream, offset .. "-0", epoch .. ":" .. offset)
if sequence > 0 then
  redis.call("SET", guard, epoch .. ":" .. sequence .. ":" .. offset, "PX", meta_life)
end
return {"published", epoch, offset}
