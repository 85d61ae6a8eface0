// SPDX-License-Identifier: Apache-2.0
#include "sim/hardware/pcie/pcie_link.h"

#include <algorithm>

#include "sim/core/check.h"
#include "sim/hardware/sources.h"

namespace orrery {
namespace {

constexpr std::int64_t kBytesPerDataCredit = 16;

std::int64_t data_credits(Bytes payload) {
  return (payload.count() + kBytesPerDataCredit - 1) / kBytesPerDataCredit;
}

}  // namespace

void PcieOptions::describe(Describer& d) {
  d.required().field("generation", generation, Range::between(3, 6), "PCIe generation.");
  d.required().field("lanes", lanes, Range::between(1, 16), "Lanes: 1, 2, 4, 8 or 16.");
  d.field("max_payload", max_payload, Range::between(128, 4096),
          "Most data of a write or a completion.");
  d.field("read_request", read_request, Range::between(64, 4096),
          "What the device asks for at a time.");
  d.field("tags", tags, Range::between(1, 16384), "Read requests under way at most.");
  d.optional_field("write_headers", write_headers, Range::at_least(1),
                   "Writes the host has room for; absent: any number.");
  d.optional_field("write_data", write_data, Range::at_least(8),
                   "Room for their data in units of 16 bytes; absent: any.");
  d.required().field("read_latency", read_latency, Range::not_negative(),
                     "From a request at the host to its first completion.");
  d.field("write_latency", write_latency, Range::not_negative(),
          "From a write at the host until its room is free.");
  d.required().field("wire_latency", wire_latency, Range::not_negative(), "One way.");
  d.required().field("copy_start", copy_start, Range::not_negative(),
                     "From a copy's submit until its engine's first packet.");
  d.optional_field("measured_to_device", measured_to_device, Range::positive(),
                   "What copies to the device were measured to reach.");
  d.optional_field("measured_to_host", measured_to_host, Range::positive(),
                   "What copies to the host were measured to reach.");
  describe_sources(d, sources);
  if (!d.reading()) return;
  if ((lanes & (lanes - 1)) != 0) d.refuse("lanes", "is none of 1, 2, 4, 8, 16");
  if (write_data && *write_data < data_credits(max_payload)) {
    d.refuse("write_data", "does not hold one write of max_payload");
  }
}

PcieLink::PcieLink(const PcieOptions& options)
    : options_(options), wire_(options.generation, options.lanes, options.max_payload) {
  ORRERY_CHECK(options.tags > 0 && options.read_request.count() > 0);
}

Ticket PcieLink::submit(const Transfer& transfer, Instant now) {
  ORRERY_CHECK(transfer.bytes.count() > 0 && transfer.from != transfer.to);
  const auto ticket = static_cast<Ticket>(tickets_++);
  const bool reads = transfer.from == kHost;
  Engine& engine = reads ? reader_ : writer_;
  engine.copies.push_back({ticket, transfer.bytes, transfer.bytes});
  if (engine.copies.size() == 1) {
    start_next(engine, reads ? Kind::kReaderStarts : Kind::kWriterStarts, now);
  }
  return ticket;
}

Instant PcieLink::next() const { return events_.empty() ? Instant::never() : events_.top().at; }

void PcieLink::advance(Instant now, std::vector<Ticket>& done) {
  while (next() <= now) {
    const Event event = events_.top();
    events_.pop();
    handle(event, done);
  }
}

void PcieLink::schedule(Instant at, Kind kind, Bytes bytes) {
  events_.push({at, order_++, kind, bytes});
}

void PcieLink::handle(const Event& event, std::vector<Ticket>& done) {
  switch (event.kind) {
    case Kind::kReaderStarts:
      reader_.runs = true;
      break;
    case Kind::kWriterStarts:
      writer_.runs = true;
      break;
    case Kind::kUpIdle:
      up_is_watched_ = false;
      break;
    case Kind::kRequestArrives:
      owe_control(down_, event.at);
      schedule(event.at + options_.read_latency, Kind::kRequestServed, event.bytes);
      return;
    case Kind::kRequestServed:
      serve(event.at, event.bytes);
      return;
    case Kind::kReadComplete:
      owe_control(up_, event.at);
      --tags_used_;
      finish(reader_, event.bytes, Kind::kReaderStarts, event.at, done);
      break;
    case Kind::kWriteArrives:
      owe_control(down_, event.at);
      if (options_.write_headers || options_.write_data) {
        schedule(event.at + options_.write_latency + options_.wire_latency, Kind::kRoomFreed,
                 event.bytes);
      }
      finish(writer_, event.bytes, Kind::kWriterStarts, event.at, done);
      return;
    case Kind::kRoomFreed:
      --headers_used_;
      data_used_ -= data_credits(event.bytes);
      break;
  }
  pump(event.at);
}

void PcieLink::start_next(Engine& engine, Kind kind, Instant now) {
  engine.runs = false;
  if (!engine.copies.empty()) schedule(now + options_.copy_start, kind);
}

void PcieLink::finish(Engine& engine, Bytes bytes, Kind starts, Instant now,
                      std::vector<Ticket>& done) {
  Copy& copy = engine.copies.front();
  copy.to_finish -= bytes;
  if (copy.to_finish.count() > 0) return;
  done.push_back(copy.ticket);
  engine.copies.pop_front();
  start_next(engine, starts, now);
}

/// Sends the next packet up if there is one and the way is idle; else comes back when it is.
void PcieLink::pump(Instant now) {
  if (up_is_watched_) return;
  const bool request_waits = can_request();
  const bool write_waits = can_write();
  if (!request_waits && !write_waits) return;
  if (up_.idle_at <= now) {
    const bool requests = request_waits && (request_is_next_ || !write_waits);
    requests ? request(now) : write(now);
    request_is_next_ = !requests;
  }
  up_is_watched_ = true;
  schedule(up_.idle_at, Kind::kUpIdle);
}

bool PcieLink::can_request() const {
  return reader_.runs && reader_.copies.front().to_send.count() > 0 && tags_used_ < options_.tags;
}

bool PcieLink::can_write() const {
  if (!writer_.runs || writer_.copies.front().to_send.count() == 0) return false;
  const Bytes payload = std::min(writer_.copies.front().to_send, options_.max_payload);
  return (!options_.write_headers || headers_used_ < *options_.write_headers) &&
         (!options_.write_data || data_used_ + data_credits(payload) <= *options_.write_data);
}

void PcieLink::request(Instant now) {
  Copy& copy = reader_.copies.front();
  const Bytes bytes = std::min(copy.to_send, options_.read_request);
  copy.to_send -= bytes;
  ++tags_used_;
  schedule(send(up_, now, PciePacket::kReadRequest, Bytes()) + options_.wire_latency,
           Kind::kRequestArrives, bytes);
}

void PcieLink::write(Instant now) {
  Copy& copy = writer_.copies.front();
  const Bytes bytes = std::min(copy.to_send, options_.max_payload);
  copy.to_send -= bytes;
  if (options_.write_headers || options_.write_data) {
    ++headers_used_;
    data_used_ += data_credits(bytes);
  }
  schedule(send(up_, now, PciePacket::kWrite, bytes) + options_.wire_latency, Kind::kWriteArrives,
           bytes);
}

/// Requests are served in order, so each split completion goes behind all before it.
void PcieLink::serve(Instant now, Bytes bytes) {
  Instant sent;
  for (Bytes left = bytes; left.count() > 0;) {
    const Bytes payload = std::min(left, options_.max_payload);
    sent = send(down_, now, PciePacket::kCompletion, payload);
    left -= payload;
  }
  schedule(sent + options_.wire_latency, Kind::kReadComplete, bytes);
}

/// A packet was received: an acknowledgement and a credit update go the other way, but no more
/// often than they must.
void PcieLink::owe_control(Lane& lane, Instant now) {
  if (wire_.flits() || now < lane.owes_again_at) return;
  lane.owed = 2;
  lane.owes_again_at = now + wire_.control_interval();
}

Instant PcieLink::send(Lane& lane, Instant now, PciePacket kind, Bytes payload) {
  const std::int64_t besides =
      std::max<std::int64_t>(0, lane.owed - wire_.free_slots(kind, payload));
  lane.owed = 0;
  const Bytes bytes = wire_.packet(kind, payload) + wire_.control_packet() * besides;
  lane.idle_at = std::max(lane.idle_at, now) + wire_.packet_rate().time_for(bytes);
  return lane.idle_at;
}

namespace {

Duration time_of_copy(const PcieOptions& options, PortId from, Bytes bytes) {
  PcieLink link(options);
  const PortId to = from == PcieLink::kHost ? PcieLink::kDevice : PcieLink::kHost;
  static_cast<void>(link.submit({from, to, bytes}, Instant()));
  std::vector<Ticket> done;
  while (done.empty()) {
    const Instant now = link.next();
    link.advance(now, done);
    if (!done.empty()) return now.since_start();
  }
  ORRERY_CHECK(false);
}

}  // namespace

Bandwidth derived_copy_rate(const PcieOptions& options, PortId from) {
  // What a second half of a copy takes has no start in it.
  constexpr Bytes kHalf{2LL << 20};
  const Duration time = time_of_copy(options, from, kHalf * 2) - time_of_copy(options, from, kHalf);
  return Bandwidth::per_second(
      static_cast<std::int64_t>(static_cast<double>(kHalf.count()) / to_seconds(time)));
}

}  // namespace orrery
