import { costOfJob, numberStep, numbersOfBand } from './bands.ts';

/**
 * What both scripts stand on. Keys of a queue, all in the hash slot of its prefix:
 * - `fair:limits` tenant → `weight maxRunning maxPerSecond`; `fair:revision` the state of the table they were read in;
 * - `fair:finish:<priority>` tenant → where its last tagged job ends;
 * - `fair:lobby:<tenant>` jobs that wait for its caps; `fair:lobbies` tenants with a lobby → when to look at it next;
 * - `fair:ready:<tenant>` jobs let out of the lobby and not yet started; `fair:running:<tenant>` started ones;
 * - `fair:rate:<tenant>` when its starts will be paid off, in milliseconds: a token bucket, as GCRA keeps it.
 *
 * A job in a lobby stands in BullMQ's delayed set with a delay of `parkMs`, which brings it back should its lobby be lost.
 */
const library = `
local key, now = ARGV[1], tonumber(ARGV[2])
local call = redis.call
local lobbyBand = 2199023255552

local function text(number) return string.format('%.0f', number) end

local known, anyLimits = {}, nil
local function limitsOf(tenant)
  local limits = known[tenant]
  if limits then return limits end
  if anyLimits == nil then anyLimits = call('EXISTS', key .. 'fair:limits') == 1 end
  local stored = anyLimits and call('HGET', key .. 'fair:limits', tenant) or '1 - -'
  local weight, running, rate = string.match(stored, '^(%S+) (%S+) (%S+)$')
  limits = { weight = tonumber(weight), running = tonumber(running), rate = tonumber(rate) }
  limits.capped = limits.running ~= nil or limits.rate ~= nil
  known[tenant] = limits
  return limits
end

-- When the tenant's starts so far are paid off.
local function paidOff(tenant)
  return math.max(tonumber(call('GET', key .. 'fair:rate:' .. tenant) or 0), now)
end

-- How many more jobs of the tenant may be let out of its lobby, and when to ask again.
local function roomOf(tenant)
  local limits = limitsOf(tenant)
  local ready = call('SCARD', key .. 'fair:ready:' .. tenant)
  local room, again = 1000000, now + 1000
  if limits.running then room = limits.running - ready - call('ZCARD', key .. 'fair:running:' .. tenant) end
  if limits.rate then
    local each, burst = 1000 / limits.rate, math.max(1, math.floor(limits.rate / 10))
    local paid = paidOff(tenant)
    room = math.min(room, math.floor((now - paid) / each + burst + 0.000001) - ready)
    local next = paid - (burst - ready - 1) * each
    if next > now then again = math.min(again, math.ceil(next)) end
  end
  return room, again
end

local function enterLobby(tenant, priority, id)
  local place = (10 - priority) * lobbyBand + call('INCR', key .. 'fair:seq')
  call('ZADD', key .. 'fair:lobby:' .. tenant, 'NX', text(place), id)
  call('ZADD', key .. 'fair:lobbies', 'NX', text(now), tenant)
end
`;

/**
 * Asks for jobs of capped tenants that a worker has taken whether they may run. Each is answered 1, or 0 after it was
 * put into the lobby of its tenant; the worker then moves it to the delayed set.
 */
export const enterScript = `${library}
local answers = {}
for at = 3, #ARGV, 3 do
  local id, tenant, priority = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local running = key .. 'fair:running:' .. tenant
  local may = true
  if not call('ZSCORE', running, id) then -- Else its worker died, and it is given out again.
    if call('SREM', key .. 'fair:ready:' .. tenant, id) == 1 then
      call('ZADD', key .. 'fair:lobbies', 'XX', text(now), tenant)
    end
    may = roomOf(tenant) > 0
    if may then
      call('ZADD', running, text(now), id)
      local rate = limitsOf(tenant).rate
      if rate then
        local paid = paidOff(tenant) + 1000 / rate
        call('SET', key .. 'fair:rate:' .. tenant, string.format('%.3f', paid), 'PX', text(paid - now + 2000))
      end
    else
      enterLobby(tenant, priority, id)
    end
  end
  answers[#answers + 1] = may and 1 or 0
end
return answers
`;

/**
 * Keeps the order of a queue: takes ended jobs of capped tenants off their counts, lets jobs out of lobbies, and gives a
 * tag to each job of the intake. A call does a bounded part of what there is.
 *
 * Answers whether there is more to do now, in how many milliseconds a lobby is due (-1: none waits), and the state of
 * the limits (-1: they are not there).
 */
export const tendScript = `${library}
local prioritized, delayed = KEYS[1], KEYS[2]
local priorities, widest, most, gateMs, parkMs =
  cjson.decode(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local firstEnded = 8
local more, released = 0, false

local function answer()
  local due = call('ZRANGE', key .. 'fair:lobbies', 0, 0, 'WITHSCORES')[2]
  return { more, due and math.max(0, math.ceil(due - now)) or -1, tonumber(call('GET', key .. 'fair:revision') or -1) }
end

if gateMs > 0 and #ARGV < firstEnded and not call('SET', key .. 'fair:gate', 1, 'NX', 'PX', gateMs) then
  return answer()
end

local bands = {}
local function bandOf(priority)
  local band = bands[priority]
  if band then return band end
  local lowest = (10 - priority) * ${numbersOfBand} * ${numberStep}
  local intake = lowest + ${numbersOfBand - 2} * ${numberStep}
  band = { lowest = lowest, intake = intake, overflow = intake + ${numberStep},
    finish = key .. 'fair:finish:' .. priority, finishes = {}, tags = {}, virtual = 0 }
  local head = call('ZRANGEBYSCORE', prioritized, text(lowest), '(' .. text(intake), 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if head then
    band.virtual = head - lowest
    call('ZREMRANGEBYSCORE', band.finish, '-inf', text(band.virtual))
  else
    call('DEL', band.finish)
  end
  bands[priority] = band
  return band
end

-- Start-time fair queueing: the tag is where the tenant's last job ends, and not before what is served now.
local function tag(priority, tenant, id)
  local band = bandOf(priority)
  local last = band.finishes[tenant] or tonumber(call('ZSCORE', band.finish, tenant) or 0)
  local at = math.max(band.virtual, last)
  if at >= widest then return false end
  band.finishes[tenant] = at + math.floor(${costOfJob} / limitsOf(tenant).weight)
  local tags = band.tags
  tags[#tags + 1] = text(band.lowest + at)
  tags[#tags + 1] = id
  return true
end

local function tagOrOverflow(priority, tenant, id)
  if tag(priority, tenant, id) then return end
  local overflow = bandOf(priority).overflow + call('INCR', key .. 'fair:seq') % ${numberStep}
  call('ZADD', prioritized, text(overflow), id)
end

-- Ids of tenants hold nothing that JSON escapes; decoding all options costs more than the rest of a tag.
local function tenantOf(id)
  local options = call('HGET', key .. id, 'opts')
  return options and string.match(options, '"tenant":"([^"]*)"') or ''
end

-- Slots of jobs that ended, rest or were removed without a word: their worker died, or they were cancelled.
local function recount(tenant)
  local function forget(ids, command, from)
    for _, id in ipairs(ids) do
      local job = key .. id
      if call('EXISTS', job) == 0 or call('HEXISTS', job, 'finishedOn') == 1 or call('ZSCORE', delayed, id) then
        call(command, from, id)
      elseif command == 'ZREM' then
        call('ZADD', from, text(now), id) -- To be looked at again after the others.
      end
    end
  end
  local running, ready = key .. 'fair:running:' .. tenant, key .. 'fair:ready:' .. tenant
  forget(call('ZRANGE', running, 0, 99), 'ZREM', running)
  forget(call('SRANDMEMBER', ready, 100), 'SREM', ready)
end

local function letOut(tenant)
  local lobby, lobbies = key .. 'fair:lobby:' .. tenant, key .. 'fair:lobbies'
  if call('EXISTS', lobby) == 0 then return call('ZREM', lobbies, tenant) end
  if call('SET', key .. 'fair:recounted:' .. tenant, 1, 'NX', 'PX', 1000) then recount(tenant) end
  local count = math.min(roomOf(tenant), 200)
  local out = count > 0 and call('ZPOPMIN', lobby, count) or {}
  local parking = false
  for at = 1, #out, 2 do
    local id, priority = out[at], 10 - math.floor(out[at + 1] / lobbyBand)
    if call('ZREM', delayed, id) == 1 then
      call('HSET', key .. id, 'delay', 0)
      if limitsOf(tenant).capped then call('SADD', key .. 'fair:ready:' .. tenant, id) end
      tagOrOverflow(priority, tenant, id)
      released = true
    elseif call('EXISTS', key .. id .. ':lock') == 1 then
      call('ZADD', lobby, out[at + 1], id) -- Its worker is about to put it down.
      parking = true
    end
  end
  local room, again = roomOf(tenant)
  if room > 0 and not parking then again, more = now, 1 end
  if parking then again = now + 50 end
  if call('EXISTS', lobby) == 0 then call('ZREM', lobbies, tenant) else call('ZADD', lobbies, text(again), tenant) end
end

local looked = {}
for at = firstEnded, #ARGV, 2 do
  call('ZREM', key .. 'fair:running:' .. ARGV[at + 1], ARGV[at])
  looked[ARGV[at + 1]] = true
end
for _, tenant in ipairs(call('ZRANGEBYSCORE', key .. 'fair:lobbies', '-inf', text(now), 'LIMIT', 0, 50)) do
  looked[tenant] = true
end
for tenant in pairs(looked) do letOut(tenant) end

local rooms = {}
local function take(priority, id)
  local tenant = tenantOf(id)
  if not limitsOf(tenant).capped or call('SISMEMBER', key .. 'fair:ready:' .. tenant, id) == 1 then
    return tagOrOverflow(priority, tenant, id)
  end
  local room = rooms[tenant]
  if not room then room = call('EXISTS', key .. 'fair:lobby:' .. tenant) == 0 and roomOf(tenant) or 0 end
  rooms[tenant] = room - 1
  if room > 0 then
    call('SADD', key .. 'fair:ready:' .. tenant, id)
    return tagOrOverflow(priority, tenant, id)
  end
  call('ZREM', prioritized, id)
  call('ZADD', delayed, text((now + parkMs) * 4096), id)
  call('HSET', key .. id, 'delay', parkMs)
  enterLobby(tenant, priority, id)
end

for _, priority in ipairs(priorities) do
  local band = bandOf(priority)
  if band.virtual < widest / 2 then
    local over = call('ZRANGEBYSCORE', prioritized, text(band.overflow), '(' .. text(band.overflow + ${numberStep}),
      'LIMIT', 0, most)
    for _, id in ipairs(over) do
      if not tag(priority, tenantOf(id), id) then break end
    end
    if #over == most and #band.tags >= 2 * most then more = 1 end
  end
  local intake = call('ZRANGEBYSCORE', prioritized, text(band.intake), '(' .. text(band.overflow), 'LIMIT', 0, most)
  if #intake == most then more = 1 end
  for _, id in ipairs(intake) do take(priority, id) end
end

local function addAll(set, pairs)
  for from = 1, #pairs, 1000 do call('ZADD', set, unpack(pairs, from, math.min(from + 999, #pairs))) end
end
for _, band in pairs(bands) do
  addAll(prioritized, band.tags)
  local finishes = {}
  for tenant, finish in pairs(band.finishes) do
    finishes[#finishes + 1] = text(finish)
    finishes[#finishes + 1] = tenant
  end
  addAll(band.finish, finishes)
end
if released and call('HEXISTS', key .. 'meta', 'paused') == 0 then call('ZADD', key .. 'marker', 0, '0') end
return answer()
`;
