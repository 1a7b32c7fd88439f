package web

import (
	"crypto/x509"
	"encoding/binary"
	"reflect"
)

// encode returns a value as bytes. For a struct, these are the exported fields that are not zero, each with its name,
// so the versions of Go on both sides may differ. encode returns false for a value with a part of unknown type.
func encode(v reflect.Value) (b []byte, ok bool) {
	if v.Type() == certificateType {
		return v.Interface().(*x509.Certificate).Raw, !v.IsNil()
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return []byte{1}, true
		}
		return []byte{0}, true
	case reflect.Int:
		return number(int(v.Int())), v.Int() == int64(int32(v.Int()))
	case reflect.Uint16:
		return number(int(v.Uint())), true
	case reflect.String:
		return []byte(v.String()), true
	case reflect.Ptr:
		if v.IsNil() {
			return nil, false
		}
		return encode(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes(), true
		}
		for i := 0; i < v.Len(); i++ {
			one, ok := encode(v.Index(i))
			if !ok {
				return nil, false
			}
			b = appendPart(b, one)
		}
		return b, true
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			field := v.Type().Field(i)
			if field.PkgPath != "" || v.Field(i).IsZero() {
				continue
			}
			one, ok := encode(v.Field(i))
			if !ok {
				return nil, false
			}
			b = appendPart(appendPart(b, []byte(field.Name)), one)
		}
		return b, true
	}
	return nil, false
}

var certificateType = reflect.TypeOf((*x509.Certificate)(nil))

func number(n int) []byte {
	b := make([]byte, 4)
	binary.BigEndian.PutUint32(b, uint32(n))
	return b
}

func appendPart(b, part []byte) []byte { return append(append(b, number(len(part))...), part...) }

// nextPart returns the first part that appendPart has added.
func nextPart(b []byte) (part, rest []byte, ok bool) {
	if len(b) < 4 || uint64(len(b)-4) < uint64(binary.BigEndian.Uint32(b)) {
		return nil, nil, false
	}
	end := 4 + int(binary.BigEndian.Uint32(b))
	return b[4:end], b[end:], true
}

// decoder turns bytes into values again. A certificate in several places becomes one value, as before encoding.
type decoder map[string]*x509.Certificate

// decode sets v, and reports success. Fields unknown to this version are left out.
func (d decoder) decode(b []byte, v reflect.Value) bool {
	if v.Type() == certificateType {
		return d.certificate(b, v)
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(len(b) == 1 && b[0] == 1)
		return len(b) == 1
	case reflect.Int, reflect.Uint16:
		if len(b) != 4 {
			return false
		}
		n := binary.BigEndian.Uint32(b)
		if v.Kind() == reflect.Int {
			v.SetInt(int64(int32(n)))
		} else {
			v.SetUint(uint64(n))
		}
		return true
	case reflect.String:
		v.SetString(string(b))
		return true
	case reflect.Ptr:
		v.Set(reflect.New(v.Type().Elem()))
		return d.decode(b, v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(append(make([]byte, 0, len(b)), b...))
			return true
		}
		return d.list(b, v)
	case reflect.Struct:
		return d.fields(b, v)
	}
	return false
}

func (d decoder) certificate(b []byte, v reflect.Value) bool {
	one, known := d[string(b)]
	if !known {
		var err error
		if one, err = x509.ParseCertificate(b); err != nil {
			return false
		}
		d[string(b)] = one
	}
	v.Set(reflect.ValueOf(one))
	return true
}

func (d decoder) list(b []byte, v reflect.Value) bool {
	all := reflect.MakeSlice(v.Type(), 0, 0)
	for len(b) > 0 {
		part, rest, ok := nextPart(b)
		one := reflect.New(v.Type().Elem()).Elem()
		if !ok || !d.decode(part, one) {
			return false
		}
		all, b = reflect.Append(all, one), rest
	}
	v.Set(all)
	return true
}

func (d decoder) fields(b []byte, v reflect.Value) bool {
	for len(b) > 0 {
		name, rest, ok := nextPart(b)
		part, rest, ok2 := nextPart(rest)
		if !ok || !ok2 {
			return false
		}
		if field, known := v.Type().FieldByName(string(name)); known && field.PkgPath == "" {
			if !d.decode(part, v.FieldByIndex(field.Index)) {
				return false
			}
		}
		b = rest
	}
	return true
}
