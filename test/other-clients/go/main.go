// Drives the Go SDKs: a call as JSON on a line of standard input, its answer on a line of standard output.
//
// Usage: driver v1|v2 host key secret
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/tea"
	second "github.com/alibabacloud-go/vpc-20160428/v6/client"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	first "github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
)

type asked struct {
	Action string                     `json:"action"`
	Params map[string]json.RawMessage `json:"params"`
}

type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type answer struct {
	Body  any      `json:"body,omitempty"`
	Error *failure `json:"error,omitempty"`
}

// The method of a client that is called like the action, and a new request of the type that it takes.
func find(client any, action string) (reflect.Value, reflect.Value) {
	method := reflect.ValueOf(client).MethodByName(action)
	return method, reflect.New(method.Type().In(0).Elem())
}

func call(method, request reflect.Value) (reflect.Value, error) {
	results := method.Call([]reflect.Value{request})
	err, _ := results[1].Interface().(error)
	return results[0].Elem(), err
}

func firstGeneration(host, key, secret string) func(asked) answer {
	config := sdk.NewConfig().WithScheme(os.Getenv("DRIVER_PROTOCOL"))
	client, err := first.NewClientWithOptions("cn-hangzhou", config, credentials.NewAccessKeyCredential(key, secret))
	if err != nil {
		panic(err)
	}
	return func(asked asked) answer {
		method, request := find(client, asked.Action)
		rpc := &requests.RpcRequest{}
		rpc.InitWithApiInfo("Vpc", "2016-04-28", asked.Action, "vpc", "openAPI")
		rpc.Method, rpc.Domain = requests.POST, host
		request.Elem().FieldByName("RpcRequest").Set(reflect.ValueOf(rpc))
		for name, value := range asked.Params {
			if name == "RegionId" {
				rpc.RegionId = text(value)
			} else {
				set(request.Elem().FieldByName(name), value)
			}
		}
		response, err := call(method, request)
		var refused sdkerrors.Error
		if errors.As(err, &refused) {
			return answer{Error: &failure{refused.ErrorCode(), refused.Message()}}
		}
		if err != nil {
			return answer{Error: &failure{fmt.Sprintf("%T", err), err.Error()}}
		}
		return answer{Body: response.Interface()}
	}
}

// In the first generation every plain value is text, and lists are pointers to structures of text.
func set(field reflect.Value, value json.RawMessage) {
	switch field.Kind() {
	case reflect.String:
		field.SetString(text(value))
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
		set(field.Elem(), value)
	case reflect.Slice:
		var items []json.RawMessage
		must(json.Unmarshal(value, &items))
		field.Set(reflect.MakeSlice(field.Type(), len(items), len(items)))
		for index, item := range items {
			set(field.Index(index), item)
		}
	case reflect.Struct:
		var members map[string]json.RawMessage
		must(json.Unmarshal(value, &members))
		for name, member := range members {
			set(field.FieldByName(name), member)
		}
	default:
		panic("no way to set a " + field.Kind().String())
	}
}

func text(value json.RawMessage) string {
	var plain string
	if json.Unmarshal(value, &plain) == nil {
		return plain
	}
	return string(value)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func secondGeneration(host, key, secret string) func(asked) answer {
	client, err := second.NewClient(&openapi.Config{
		AccessKeyId:     tea.String(key),
		AccessKeySecret: tea.String(secret),
		Endpoint:        tea.String(host),
		Protocol:        tea.String(os.Getenv("DRIVER_PROTOCOL")),
	})
	must(err)
	return func(asked asked) answer {
		method, request := find(client, asked.Action)
		params, err := json.Marshal(asked.Params)
		must(err)
		must(json.Unmarshal(params, request.Interface()))
		response, err := call(method, request)
		var refused *tea.SDKError
		if errors.As(err, &refused) {
			return answer{Error: &failure{tea.StringValue(refused.Code), tea.StringValue(refused.Message)}}
		}
		if err != nil {
			return answer{Error: &failure{fmt.Sprintf("%T", err), err.Error()}}
		}
		return answer{Body: response.FieldByName("Body").Interface()}
	}
}

func main() {
	host, key, secret := os.Args[2], os.Args[3], os.Args[4]
	generations := map[string]func(string, string, string) func(asked) answer{
		"v1": firstGeneration,
		"v2": secondGeneration,
	}
	call := generations[os.Args[1]](host, key, secret)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var next asked
		must(json.Unmarshal(lines.Bytes(), &next))
		must(out.Encode(call(next)))
	}
}
