-- Puts one event into a channel, and on demand into a second one: guard, offset, stream and PUBLISH in one step, so
-- that retries, sweeps and two producers can neither double nor reorder it. With an empty body it only tells where the
-- channel stands.
--
-- KEYS  1 meta hash of the channel, 2 its stream; then those that apply, in this order: the guard; for log lines the
--       execution's stream; for a second channel its meta and its stream
-- ARGV  1 run id of this Redis as the caller's connection knows it, 2 an epoch to use if one is needed, 3 another,
--       4 entries a stream keeps, 5 its life in ms, 6 life of the meta in ms (longer than 5, but for an empty body),
--       7 the event's JSON without its opening brace, 8 sequence number under the guard (0 = unguarded),
--       9 "1": all before is out, go on from here whatever the guard knows of it, 10 life of the guard in ms,
--       11 what is guarded, in short ("" = not compared), 12 attempt and 13 last line for the execution's stream
--       (0 = none), 14 life of the second channel's meta in ms (0 = there is none; longer than 5)
-- Returns {"published" | "repeated" | "at", epoch, offset}, {"behind", epoch, last known sequence (0 = none)}, or
--         {"conflict", epoch, offset} when something else went out under this sequence number

local run_id, max_length, stream_life = ARGV[1], ARGV[4], ARGV[5]
local body, sequence, is_base, content = ARGV[7], tonumber(ARGV[8]), ARGV[9] == "1", ARGV[11]

local used = 0
local function next_key()
  used = used + 1
  return KEYS[used]
end

local meta, stream = next_key(), next_key()
local guard = sequence > 0 and next_key()
local log = ARGV[13] ~= "0" and next_key()
local has_second = ARGV[14] ~= "0"

-- Epoch and offset of a channel. A new incarnation may have come back from an old snapshot: its offsets have been used
-- before, and so it gets the new epoch.
local function stand(meta, stream, new_epoch)
  local known = redis.call("HMGET", meta, "epoch", "run_id", "offset")
  if known[1] and known[2] == run_id then
    return known[1], tonumber(known[3])
  end
  redis.call("HSET", meta, "epoch", new_epoch, "run_id", run_id, "offset", 0)
  redis.call("DEL", stream)
  return new_epoch, 0
end

local function append(key, id, position)
  local event = '{"v":1,"position":"' .. position .. '",' .. body
  redis.call("XADD", key, "MAXLEN", "~", max_length, id, "e", event)
  redis.call("PEXPIRE", key, stream_life)
  redis.call("PUBLISH", key, event)
end

local function advance(meta, stream, epoch)
  local offset = redis.call("HINCRBY", meta, "offset", 1)
  append(stream, offset .. "-0", epoch .. ":" .. offset)
  return offset
end

local epoch, offset = stand(meta, stream, ARGV[2])
if body == "" then
  if redis.call("PTTL", meta) < tonumber(ARGV[6]) then
    redis.call("PEXPIRE", meta, ARGV[6])
  end
  return {"at", epoch, offset}
end

local follows = false
if guard then
  local pattern = "^(%w+):(%d+):(%d+):?(%w*)$"
  local guarded_epoch, last, at, known = string.match(redis.call("GET", guard) or "", pattern)
  last = guarded_epoch == epoch and tonumber(last) or 0
  if sequence <= last then
    return {sequence == last and known ~= content and "conflict" or "repeated", epoch, tonumber(at)}
  elseif sequence > last + 1 and not is_base then
    return {"behind", epoch, last}
  end
  follows = last > 0 and sequence == last + 1
end

-- Redis refuses for lack of memory at a script's first write only, and only a command that takes memory: this one.
redis.call("HSET", meta, "run_id", run_id)
redis.call("PEXPIRE", meta, ARGV[6])
if log then
  if not follows then
    redis.call("DEL", log) -- what it held may not be what comes just before this
  end
  -- Before the offset: Redis refuses a place that is not after the last one, and an offset taken by then would be a hole.
  append(log, ARGV[12] .. "-" .. ARGV[13], ARGV[12] .. ":" .. ARGV[13])
end
offset = advance(meta, stream, epoch)
if has_second then
  local second_meta, second_stream = next_key(), next_key()
  local second_epoch = stand(second_meta, second_stream, ARGV[3])
  redis.call("PEXPIRE", second_meta, ARGV[14])
  advance(second_meta, second_stream, second_epoch)
end
if guard then
  local suffix = content == "" and "" or ":" .. content
  redis.call("SET", guard, epoch .. ":" .. sequence .. ":" .. offset .. suffix, "PX", ARGV[10])
end
return {"published", epoch, offset}
